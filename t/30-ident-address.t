# identd is asked at the address that a client connected from, by the address that
# it connected to, about these two ports, over IPv4 and IPv6; what it registers
# there is served (1-registration.md 1.2, 7-security.md 7.4).
use FindBin;
use lib "$FindBin::Bin/lib";
use OwnNetwork;
use DynProxy;
use JSON::PP;

my %version = (    # of us the one that Linux would not choose is used
    4 => { theirs => '10.97.0.9',  ours => '10.97.0.2',  url => 'http://10.97.0.9:34564' },
    6 => { theirs => 'fd12:97::9', ours => 'fd12:97::2', url => 'http://[fd12:97::9]:34566' },
);
my $host = OwnNetwork::host(name => 'exec1', ours => '10.97.0.1', theirs => $version{4}{theirs});
OwnNetwork::run(qw(ip addr add), $_, qw(dev exec1 nodad)) for "$version{6}{ours}/64", 'fd12:97::1/64';    # the later one is Linux's choice
OwnNetwork::run(qw(ip addr add), "$version{4}{ours}/24", qw(dev exec1));
$host->run(qw(ip addr add), "$version{6}{theirs}/64", qw(dev eth0 nodad));

my $dir = File::Temp->newdir;
chmod 0755, $dir;
OwnNetwork::append("$dir/identd.py", <<'PYTHON');
import socket, sys
s = socket.create_server(("::", 113), family=socket.AF_INET6, dualstack_ipv6=True)
while True:
    c, peer = s.accept()
    question = c.makefile().readline().strip()
    with open(sys.argv[1], "a") as asked:
        print(peer[0].replace("::ffff:", ""), c.getsockname()[0].replace("::ffff:", ""), question.replace(" ", ""), file=asked)
    c.sendall(f"{question} : USERID : UNIX : tools.alpha\r\n".encode())
    c.close()
PYTHON
OwnNetwork::append("$dir/register.py", <<'PYTHON');
import socket, sys
s = socket.create_connection((sys.argv[1], 8282))
s.sendall(f"register\n{sys.argv[2]}\n{sys.argv[3]}\n".encode())
print(s.getsockname()[1], s.recv(1024).decode())
PYTHON
$host->start(undef, '/usr/bin/python3', "$dir/identd.py", "$dir/asked");
ok eventually(sub { $host->listens(113) }), 'somebody listens on port 113';

my $proxy = DynProxy->new(address => '10.97.0.1', conf => { registration => '"*:8282"', backend_networks => undef, verify => 'off' });
for my $v (4, 6) {
    my ($theirs, $ours, $url) = $version{$v}->@{qw(theirs ours url)};
    $host->start(undef, qw(/usr/bin/python3 -m http.server --bind), $theirs, '--directory', "$dir", 34560 + $v);
    ok eventually(sub { $host->listens(34560 + $v) }), "a server, IPv$v";
    my ($port, $said);
    ok eventually(sub { ($port, $said) = split ' ', $host->output(undef, '/usr/bin/python3', "$dir/register.py", $ours, "/$v/.*", $url), 2; $said eq "ok\n" }),
        'is registered' or diag $said;
    like DynProxy::slurp("$dir/asked"), qr/^\Q$ours\E \Q$theirs\E $port,8282$/m, 'identd was asked at that address, by that address, about these ports';
    like $proxy->get('alpha', "/$v/")->body, qr/Error code: 404/, 'the server there is asked';
    like $host->output(undef, '/usr/bin/python3', "$dir/register.py", $ours, '.*', $version{10 - $v}{url}), qr/fail: the destination is not the address you come from/,
        'the same host, but another address';
}
is join(' ', sort map { $_->{destination} } @{ $proxy->ctl_json('list') }), join(' ', sort map { $_->{url} } values %version), 'both have their routes';

done_testing;
