# A host that holds a lease and falls silent, its cable cut, has lost it within
# 30 seconds (1-registration.md 1.1): nobody tells that it is gone.
use FindBin;
use lib "$FindBin::Bin/lib";
use OwnNetwork;
use DynProxy;
use File::Temp;
use Time::HiRes qw(time);

my $SILENCE = 30;    # seconds

my $exec  = OwnNetwork::host(name => 'exec1', ours => '10.98.0.1', theirs => '10.98.0.2');
my $proxy = DynProxy->new(address => '10.98.0.1', conf => { backend_networks => undef, verify => 'off' });
OwnNetwork::add_user('tools.alpha', 52001);

my $conf = File::Temp->new;
print $conf "default { default { deny spoof deny spoof_all deny random deny numeric deny hide deny forward } }\n";
close $conf;
chmod 0644, "$conf";
$exec->start(undef, qw(oidentd --foreground --nosyslog --user oident --group oident --config), "$conf");
ok eventually(sub { $exec->listens(113) }), 'oidentd listens on port 113';

my $client = File::Temp->new;
print $client <<'PYTHON';
import socket, sys
s = socket.create_connection((sys.argv[1], int(sys.argv[2])))
s.sendall("\n".join(sys.argv[3:]).encode() + b"\n")
while s.recv(1024):
    pass
PYTHON
close $client;
chmod 0644, "$client";
$exec->start('tools.alpha', '/usr/bin/python3', "$client", '10.98.0.1', $proxy->{reg_port},
    'lease', '.*', 'http://10.98.0.2:8000');

sub leases { (($proxy->ctl_json('status') // {})->{registrar} // {})->{leases} }
ok eventually(sub { leases() }), 'a lease';
OwnNetwork::run(qw(ip link set exec1 down));
my $since = time;
ok eventually(sub { (leases() // 1) == 0 }, $SILENCE + 20), 'its host falls silent: it is over';
cmp_ok time - $since, '>', $SILENCE / 3, 'not for a moment of it';
ok eventually(sub { $proxy->get('alpha', '/')->reason eq 'tool-stopped' }), 'and the tool is stopped';
diag sprintf 'after %.1f seconds', time - $since;

done_testing;
