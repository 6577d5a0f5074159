# A job is killed, and another user's server takes its port: no request reaches
# that stranger after the next proof, and with a lease none at all after a
# second (1-registration.md 1.1).
use FindBin;
use lib "$FindBin::Bin/lib";
use OwnNetwork;
use DynProxy;
use File::Temp;
use JSON::PP;
use Time::HiRes qw(time);

my $INTERVAL = 2;    # seconds, more or less a fifth

my $exec  = OwnNetwork::host(name => 'exec1', ours => '10.98.0.1', theirs => '10.98.0.2');
my $proxy = DynProxy->new(
    address => '10.98.0.1',
    conf    => { backend_networks => undef, verify_interval => "${INTERVAL}s", lease_grace => '3s' },
);
OwnNetwork::add_user("tools.$_->[0]", $_->[1]) for ['alpha', 52001], ['beta', 52002];

my $conf = File::Temp->new;
print $conf "default { default { deny spoof deny spoof_all deny random deny numeric deny hide deny forward } }\n";
close $conf;
chmod 0644, "$conf";
my @oidentd = (qw(oidentd --foreground --nosyslog --user oident --group oident --config), "$conf");
my $identd  = $exec->start(undef, @oidentd);
ok eventually(sub { $exec->listens(113) }), 'oidentd listens on port 113';

# Registers, and keeps the connection as long as there is an answer to read.
my $client = File::Temp->new;
print $client <<'PYTHON';
import socket, sys
s = socket.create_connection((sys.argv[1], int(sys.argv[2])))
s.sendall("\n".join(sys.argv[3:]).encode() + b"\n")
while True:
    part = s.recv(1024)
    if not part:
        break
    print(part.decode(), end="", flush=True)
PYTHON
close $client;
chmod 0644, "$client";
my @client = ('/usr/bin/python3', "$client", '10.98.0.1', $proxy->{reg_port});

my %site;
for my $tool (qw(alpha beta)) {
    chmod 0755, $site{$tool} = File::Temp->newdir;
    OwnNetwork::append("$site{$tool}/index.html", $tool);
}

my $port = 34567;
my $url  = "http://10.98.0.2:$port";

# A tool's server on that port, when the port is there to be had.
sub serve {
    my ($tool) = @_;
    eventually(sub { !$exec->listens($port) });
    my $pid = $exec->start("tools.$tool",
        qw(/usr/bin/python3 -m http.server --bind 10.98.0.2 --directory), "$site{$tool}", $port);
    eventually(sub { $exec->listens($port) }) or die 'no server';
    return $pid;
}
sub say_as { my ($tool, @lines) = @_; $exec->output("tools.$tool", @client, @lines) }
sub proof  { ($proxy->ctl_json('list', $_[0]) // [])->[0]{proof} // '' }
sub listed { join ' ', sort keys %{ decode_json($proxy->admin('/list')->body) } }
sub body   { $proxy->get('alpha', '/')->body }
sub reason { $proxy->get('alpha', '/')->reason // '' }

my $server = serve('alpha');
is say_as('alpha', 'register', '.*', $url), 'ok', 'a tool registers';
is body(), 'alpha', 'and is served';
ok eventually(sub { proof('alpha') eq 'theirs' }), 'the port is proved to be its own';

kill 'KILL', $server;
my $stranger = serve('beta');
my $since    = time;
ok eventually(sub { reason() eq 'stale-route' }), "another user's server has the port: 503 stale-route";
cmp_ok time - $since, '<', 15, "within an interval ($INTERVAL s) and the time of a proof";
isnt body(), 'beta', "request $_ does not reach it" for 1 .. 20;
is proof('alpha'), 'stranger', 'list says why';
is listed(), '', '/list omits the tool, so that it is started again';
like $proxy->log, qr/route-stale name=alpha .*user=tools\.beta/, 'and an event tells whose it is';

kill 'KILL', $stranger;
$server = serve('alpha');
ok eventually(sub { body() eq 'alpha' }), 'its own server again: it is served';
is listed(), 'alpha', 'and listed';

# Who cannot be proved is not withdrawn.
kill 'TERM', $identd;
ok eventually(sub { proof('alpha') eq 'unknown' }), 'no identd: nobody can tell';
is body(), 'alpha', 'and it is served all the same';
$identd = $exec->start(undef, @oidentd);
ok eventually(sub { $exec->listens(113) }), 'oidentd is back';

# A registered port is taken from whoever had it.
kill 'KILL', $server;
$stranger = serve('beta');
is say_as('beta', 'register', '.*', $url), 'ok', 'another tool registers the same port';
ok eventually(sub { reason() =~ /^(tool-stopped|stale-route)$/ }), 'the first has lost it';
like $proxy->log, qr/route-(taken|stale) name=alpha/, 'which is an event';
is $proxy->get('beta', '/')->body, 'beta', 'the second has it';
is say_as('beta', 'unregister', '.*'), 'ok', 'and gives it up';
kill 'KILL', $stranger;

# An address that this node gets later is its own from then on.
OwnNetwork::run(qw(ip addr add 10.98.0.9/32 dev lo));
ok eventually(sub {
    say_as('alpha', 'register', '/own', 'http://10.98.0.9:8000') =~ /^fail: the proxy's own address/;
}), 'a new address of the node is refused';

# With a lease: the job and all its processes are killed.
$server = serve('alpha');
my $holder = $exec->start('tools.alpha', @client, 'lease', '.*', $url);
ok eventually(sub { body() eq 'alpha' }), 'a lease';
kill 'KILL', $holder, $server;
$since = time;
ok eventually(sub { reason() eq 'tool-stopped' }), 'killed: 503 stopped';
cmp_ok time - $since, '<', 10, 'at once';
$stranger = serve('beta');
isnt body(), 'beta', "request $_ does not reach the stranger" for 1 .. 20;

# With verify = require nobody is believed before the first proof.
$proxy = DynProxy->new(
    address => '10.98.0.1',
    conf    => { backend_networks => undef, verify => 'require', verify_interval => "${INTERVAL}s" },
);
$client[-1] = $proxy->{reg_port};
kill 'KILL', $stranger;
eventually(sub { !$exec->listens($port) });
is say_as('alpha', 'register', '.*', $url), 'ok', 'verify = require: a tool registers before its server listens';
is reason(), 'tool-starting', 'it is starting';
$server = serve('alpha');
ok eventually(sub { body() eq 'alpha' }), 'and served once the port is proved to be its own';

# What is a stranger's an operator can remove.
kill 'KILL', $server;
$stranger = serve('beta');
ok eventually(sub { reason() eq 'stale-route' }), 'a stranger once more';
is $proxy->ctl('scrub', '-n'), 0, 'scrub -n';
like $proxy->out, qr/^alpha +\.\* .*stranger/m, 'shows the route';
is reason(), 'stale-route', 'and leaves it';
is $proxy->ctl('scrub'), 0, 'scrub';
is reason(), 'tool-stopped', 'removes it';
kill 'KILL', $stranger;

done_testing;
