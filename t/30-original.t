# A tool and its client of the original work unchanged: Debian's oidentd tells
# who registers, Redis shows it in the original's layout (1-registration.md).
use FindBin;
use lib "$FindBin::Bin/lib";
use OwnNetwork;
use DynProxy;
use File::Temp;
use JSON::PP;
use RedisServer;

my $exec  = OwnNetwork::host(name => 'exec1', ours => '10.98.0.1', theirs => '10.98.0.2');
my $redis = RedisServer->new;
my $proxy = DynProxy->new(
    workers => 2,
    address => '10.98.0.1',
    conf    => { redis => '"' . $redis->addr . '"', backend_networks => undef },
);
OwnNetwork::add_user('tools.alpha', 52001);
OwnNetwork::add_user('visitor',     52900);

my $conf = File::Temp->new;
print $conf "default { default { deny spoof deny spoof_all deny random deny numeric deny hide deny forward } }\n";
close $conf;
chmod 0644, $conf;
my $identd = $exec->start(undef, qw(oidentd --foreground --nosyslog --user oident --group oident --config), "$conf");
ok eventually(sub { $exec->listens(113) }), 'oidentd listens on port 113';

# The way the original's clients talk: everything at once, one recv.
my $client = <<'PYTHON';
import socket, sys
s = socket.create_connection((sys.argv[1], int(sys.argv[2])))
s.sendall("\n".join(sys.argv[3:]).encode() + b"\n")
print(s.recv(1024).decode(), end="")
PYTHON

sub say_as {
    my ($user, @lines) = @_;
    return $exec->output($user, '/usr/bin/python3', '-c', $client, '10.98.0.1', $proxy->{reg_port}, @lines);
}

my $site = File::Temp->newdir;
chmod 0755, $site;
OwnNetwork::append("$site/index.html", "a page of tools.alpha\n");
my $port = 34567;
$exec->start('tools.alpha', qw(/usr/bin/python3 -m http.server --bind 10.98.0.2 --directory), "$site", $port);
ok eventually(sub { $exec->listens($port) }), 'the tool serves';

my $url = "http://10.98.0.2:$port";
is say_as('tools.alpha', 'register', '.*', $url), 'ok', 'a tool registers';

my %page_from;
for (1 .. 200) {
    my $socket = $proxy->connect;
    my $worker = $proxy->worker_of($socket);
    $page_from{$worker} =
        DynProxy::Response->new(DynProxy::converse($socket,
            "GET / HTTP/1.1\r\nHost: alpha.example.test\r\nConnection: close\r\n\r\n"))->body;
    last if keys %page_from == 2;
}
is_deeply \%page_from, { map { $_ => "a page of tools.alpha\n" } $proxy->worker_pids },
    'its page comes through every worker';
my (undef, $curl) = run_command('curl', '-s', '-H', 'Host: alpha.example.test',
    "http://10.98.0.1:$proxy->{http_port}/");
is $curl, "a page of tools.alpha\n", 'and curl gets it';

is $redis->cli('hgetall', 'prefix:alpha'), ".*\n$url", 'redis-cli hgetall shows it';
is $redis->cli('exists', 'redirect:alpha'), 0, 'a plain register is not canonical';
is_deeply decode_json($proxy->admin('/list')->body), { alpha => { status => 'active' } }, ':8081/list shows it';

is say_as('tools.alpha', 'registerCanonical', '.*', $url), 'ok', 'registerCanonical';
is $redis->cli('exists', 'redirect:alpha'), 1, 'leaves its mark';

is say_as('tools.alpha', 'unregister', '.*'), 'ok', 'unregister';
is $proxy->get('alpha', '/')->status, 503, 'it is gone at once: stopped';
is $proxy->get('alpha', '/')->reason, 'tool-stopped', 'and the answer says so';
is $redis->cli('exists', 'prefix:alpha', 'redirect:alpha'), 0, 'from Redis, too';
is_deeply decode_json($proxy->admin('/list')->body), {}, 'and from the list';
is say_as('tools.alpha', 'unregister', '.*'), 'ok', 'unregister is idempotent';

is say_as('visitor', 'register', '.*', $url),
    'This service available only to tool accounts', 'who is no tool is told so';
is say_as('root', 'register', '.*', $url),
    'This service available only to tool accounts', 'root is no tool either';
is say_as('tools.alpha', 'frobnicate', '.*', $url), 'fail', 'an unknown command';
like say_as('tools.alpha', 'register', '.*', 'http://10.98.0.1:34567'),
    qr/^fail: /, 'a tool on one host may not register another host';
like say_as('tools.alpha', 'register', '.*', 'http://127.0.0.1:34567'), qr/^fail: /, 'nor loopback';

$exec->stop($identd);
is say_as('tools.alpha', 'register', '.*', $url),
    'Identd authentication failed. Please contact an administrator', 'without an identd nobody registers';
is $proxy->get('alpha', '/')->status, 503, 'and nothing was registered';

done_testing;
