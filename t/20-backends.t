# Backends that fail, start late, or speak TLS (2-http.md 2.3).
use FindBin;
use lib "$FindBin::Bin/lib";
use OwnNetwork;
use DynProxy;
use RedisServer;
use Digest::MD5 qw(md5_hex);
use IPC::Open2;

# --- certificates: an authority, and one of alpha's own by it
my $dir = File::Temp->newdir;
sub openssl { my ($status, undef, $err) = run_command('openssl', @_); $status == 0 or die $err }
my @key = qw(-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30);
openssl('req', '-x509', @key, '-subj', '/CN=test authority', '-keyout', "$dir/ca.key", '-out', "$dir/ca.pem");
openssl('req', '-x509', @key, '-subj', '/CN=x', '-CA', "$dir/ca.pem", '-CAkey', "$dir/ca.key",
    '-addext', "subjectAltName=DNS:$_.example.test", '-keyout', "$dir/$_.key", '-out', "$dir/$_.pem") for qw(alpha beta);

sub https_server {
    my ($name) = @_;
    my $pid = open2(my $ports, my $keep, "$FindBin::Bin/https_server.py", "$dir/$name.pem", "$dir/$name.key");
    chomp(my $port = <$ports>);
    return { keep => $keep, pid => $pid, port => $port };
}
my $https = https_server('alpha');

my $redis = RedisServer->new;
my $proxy = DynProxy->new(workers => 2, tools => [qw(alpha beta late plain)], conf => {
    redis      => '"' . $redis->addr . '"',
    backend_ca => qq("$dir/ca.pem"),
});
ok eventually(sub { $proxy->redis_status->{synced} }), 'Redis is read';

# --- https
my $url = "https://127.0.0.1:$https->{port}";
is $proxy->register('alpha', '.*', $url), 'ok', 'an https backend';
like $proxy->get('alpha', '/')->body, qr/^alpha\.example\.test /, 'is asked for by the name of the tool';
my $body = join '', map { chr int rand 256 } 1 .. 300_000;
is md5_hex($proxy->request('POST', 'alpha', '/', body => $body)->body), md5_hex($body), 'a body up and down';
is length $proxy->get('alpha', '/big')->body, 1 << 20, 'a large answer';
ok eventually(sub { $proxy->get('alpha', '/last')->body =~ /True/ }), 'sessions are used again';
is $proxy->register('beta', '.*', $url), 'ok', 'a certificate of another tool';
is $proxy->get('beta', '/')->status, 502, 'is not accepted';
is $proxy->get('beta', '/')->reason, 'backend-tls', 'and the reason told';
my $clear = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 8) or die $!;
is $proxy->register('plain', '.*', 'https://127.0.0.1:' . $clear->sockport), 'ok', 'a server without TLS';
my $client = $proxy->connect;
print $client "GET / HTTP/1.1\r\nHost: plain.example.test\r\nConnection: close\r\n\r\n";
my $far = $clear->accept;
print $far "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n";
$far->flush;
my $failed = DynProxy::Response->new(DynProxy::converse($client));
is $failed->reason, 'backend-tls', 'gives the same reason';

# --- a tool that has never answered is starting
my $port = free_port('127.0.0.3');    # nobody else's, so that it refuses
is $proxy->register('late', '.*', "http://127.0.0.3:$port"), 'ok', 'a tool that does not listen yet';
my $answer = $proxy->get('late', '/');
is $answer->status, 503, 'is unavailable';
is $answer->reason, 'tool-starting', 'because it is starting';
ok $answer->header('retry-after'), 'with Retry-After';
my $late = $proxy->backend(text => 'here', address => '127.0.0.3');
is $proxy->register('late', '.*', $late->url), 'ok', 'then it listens';
is $proxy->get('late', '/')->body, 'here', 'and serves';
$late->stop;
is $proxy->get('late', '/')->reason, 'backend-refused', 'and when it is gone, it is not starting';
is $proxy->get('late', '/')->reason, 'backend-refused', 'for any worker' for 1 .. 10;

my $pair = $proxy->backend(count => 2, address => '127.0.0.3');
my @held = map { $proxy->lease('late', '.*', $pair->url($_)) } 0, 1;
my %served = map { $proxy->get('late', '/')->body => 1 } 1 .. 40;
is keys %served, 2, 'two that have answered';
$pair->stop;
is $proxy->get('late', '/')->reason, 'backend-refused', 'are gone';
is $proxy->ctl('drain', $pair->addr(1)), 0, 'one of them is drained';
is $proxy->get('late', '/')->reason, 'backend-refused', 'which does not make the other one a starting one';

# --- where nobody listens on a port that connections have, one may be with itself
is $proxy->register('plain', '.*', 'http://127.0.0.1:40000'), 'ok', 'a tool that is to listen on such a port';
my $file = '/proc/sys/net/ipv4/ip_local_port_range';
my $all  = DynProxy::slurp($file);
sub connections_have { open my $range, '>', $file or die $!; syswrite $range, $_[0] or die $!; return }
connections_have('40000 40000');
is $proxy->get('plain', '/')->reason, 'tool-starting', 'its request is no answer';
connections_have($all);
ok(IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => 40000, Listen => 1), 'and its port is free for it') or diag $!;

# --- several backends: whoever fails is left alone, and nobody notices
my $pool = $proxy->backend(count => 2, address => '127.0.0.2');
my $dead = free_port('127.0.0.2');
$redis->cli('sadd', 'frontend:www.example.org', $pool->url(0), $pool->url(1), "http://127.0.0.2:$dead");
sub ask {
    return DynProxy::Response->new(
        $proxy->raw("GET $_[0] HTTP/1.1\r\nHost: www.example.org\r\nConnection: close\r\n\r\n"));
}
ok eventually(sub { ask('/')->status == 200 }), 'three backends, one of them dead';
my %by;
$by{ ask('/')->body }++ for 1 .. 100;
is join('', sort keys %by), join('', sort map { "backend " . $pool->port($_) . "\n" } 0, 1), 'every request is served';
cmp_ok $proxy->metrics->{'dynproxy_backend_retries_total{result="not-connected"}'}, '>', 0, 'those that the dead one did not take are counted';
my $listener = IO::Socket::INET->new(LocalAddr => '127.0.0.2', LocalPort => $dead, Listen => 64, Timeout => 20, ReuseAddr => 1);
ok $listener, 'it comes back';
my $tries = 0;
my $pid = fork // die $!;
if (!$pid) {
    while (my $socket = $listener->accept) {
        $socket->sysread(my $head, 4096);
        $socket->syswrite("HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: close\r\n\r\nback");
        close $socket;
    }
    POSIX::_exit(0);
}
ok eventually(sub { $tries++; ask('/')->body eq 'back' }, 35), 'and is asked again';
kill 'KILL', $pid;
waitpid $pid, 0;
close $listener;
is ask('/')->status, 200, 'gone again, and nobody notices' for 1 .. 20;
$pool->stop;
ok eventually(sub { ask('/')->status == 503 }), 'all gone: 503';
is ask('/')->reason, 'backend-refused', 'says why';

close $https->{keep};
waitpid $https->{pid}, 0;
done_testing;
