# A worker that runs out of descriptors gives up, in this order: clients that
# wait, new clients (but not the health check), and newest requests of the tool
# that has most of them; and nothing else (7-security.md 7.5).
use FindBin;
use lib "$FindBin::Bin/lib";
use DynProxy;
use Socket;

my $FILES = 200;    # of which a worker counts 32 as its own
my $proxy = DynProxy->new(tools => [qw(alpha beta gamma)], wrapper => ['prlimit', "--nofile=$FILES:$FILES"],
    conf => { keepalive_timeout => '1m' });
my $backend = $proxy->backend(text => 'hello');
is $proxy->register('gamma', '.*', $backend->url), 'ok', 'a tool that answers';

# Tools that never answer, so that requests stay under way.
my %silent = map { $_ => IO::Socket::INET->new(Listen => 200, LocalAddr => '127.0.0.1') } qw(alpha beta);
is $proxy->register($_, '.*', 'http://127.0.0.1:' . $silent{$_}->sockport), 'ok', "$_ does not" for sort keys %silent;

# A client that was served and waits.  When it is gone, it is with all of it.
sub kept_alive {
    my $socket = $proxy->connect // die "connect: $!";
    setsockopt $socket, SOL_SOCKET, SO_LINGER, pack 'ii', 1, 0;
    ask($socket, 'gamma');
    my $got = '';
    1 while $got !~ /hello\z/ && $socket->sysread($got, 4096, length $got);
    return $got =~ /hello\z/ ? $socket : die "not served: $got";
}

sub ask { my ($socket, $tool) = @_; $socket->syswrite("GET / HTTP/1.1\r\nHost: " . $proxy->host($tool) . "\r\n\r\n") }

# Many requests at once to a tool that does not answer.
sub hold { my ($tool, @sockets) = @_; ask($_, $tool) for @sockets }

# What it says, to its end; undef: nothing yet.
sub said {
    my ($socket) = @_;
    my $got = '';
    $socket->blocking(0);
    my $n;
    1 while $n = $socket->sysread($got, 65536, length $got);
    $socket->blocking(1);
    return defined $n || length $got ? $got : undef;
}

my ($worker) = $proxy->worker_pids;
sub is_empty { ok eventually(sub { $proxy->connections_of($worker) == 0 }), 'nobody is left' }
sub step { ($proxy->log =~ /overload step=(\w+)/g)[-1] // 'calm' }
my $looked = 0;    # at so much of its log: a step may be over before one looks
sub reaches {
    my ($step) = @_;
    ok eventually(sub { substr($proxy->log, $looked) =~ /overload step=$step\b/ and $looked += $+[0] }), "it is $step";
}

# --- 80 %: those who wait do so for two seconds
my @idle = map { kept_alive() } 1 .. 30;
my @busy = map { kept_alive() } 1 .. 49;
hold(alpha => @busy);
reaches('busy');
ok eventually(sub { !grep { !defined said($_) } @idle }), 'clients that wait are sent away';
reaches('calm');
is scalar(grep { defined said($_) } @busy), 0, 'requests under way are not touched';
@busy = ();
is_empty();

# --- 95 %: nobody new, but for the health check
@busy = map { kept_alive() } 1 .. 79;
hold(alpha => @busy);
reaches('full');
is $proxy->request('GET', 'gamma', '/.well-known/healthz')->body, 'proxy ok!', 'the health check is answered';
my $refused = $proxy->get('gamma', '/');
is $refused->status, 503, 'others are not';
is $refused->header('X-Dynproxy-Error'), 'limit-node', 'and told why';
is scalar(grep { defined said($_) } @busy), 0, 'requests under way are not touched';
@busy = ();
reaches('calm');
is_empty();

# --- 98 %: less of the tool that has most
my @beta  = map { kept_alive() } 1 .. 20;
my @alpha = map { kept_alive() } 1 .. 64;
hold(beta => @beta);
hold(alpha => @alpha);
ok eventually(sub { $proxy->log =~ /overload step=shed/ }), 'it sheds';
my %said;
ok eventually(sub { step() ne 'shed' }), 'until it is enough';
$said{$_} = said($alpha[$_]) for 0 .. 63;
my @ended = grep { defined $said{$_} } 0 .. 63;
cmp_ok scalar(@ended), '>=', 8, 'requests of the tool that has most are ended: ' . @ended;
cmp_ok scalar(@ended), '<=', 32, 'as few as are enough';
is scalar(grep { $said{$_} !~ /\AHTTP\/1.1 503 .*^X-Dynproxy-Error: limit-node\r$/ms } @ended), 0, 'with 503 and the reason';
cmp_ok $ended[0], '>=', 32, 'the newest ones';
is scalar(grep { defined said($_) } @beta), 0, "the other tool's are not touched";
(@alpha, @beta) = ();
reaches('calm');
is $proxy->get('gamma', '/')->body, 'hello', 'all is well again';

done_testing;
