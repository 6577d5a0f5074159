# The stores: what `ok` and `fail` mean when one of them is away, slow, locked or
# emptied (1-registration.md 1.3).
use FindBin;
use lib "$FindBin::Bin/lib";
use DynProxy;
use JSON::PP;
use RedisServer;
use Time::HiRes qw(time);

my $redis = RedisServer->new;
my $proxy = DynProxy->new(
    tools  => [qw(alpha beta gamma)],
    conf   => { redis => '"' . $redis->addr . '"' },
    expect => qr/redis-loss|redis-lost|store-failed/,
);
my $backend = $proxy->backend;
my $url     = $backend->url;

sub status { ($proxy->ctl_json('status') // {})->{registrar} }
sub alerts { scalar(() = $proxy->log =~ /redis-loss/g) }
ok eventually(sub { $proxy->redis_status->{connected} && $proxy->redis_status->{synced} }), 'Redis is there';

# --- what others say in Redis ------------------------------------------------

is $proxy->register('alpha', '.*', $url), 'ok', 'a route';
my $refused = $proxy->redis_status->{refused};
$redis->cli('publish', '__redis__:invalidate', 'x') for 1 .. 20;
ok eventually(sub { $proxy->redis_status->{refused} == $refused + 20 }), 'text on the channel is counted';
is alerts(), 0, 'and is no flush';

$redis->cli('hset', 'prefix:alpha', '/a b', $url);
is $proxy->unregister('alpha', '/a b'), 'ok', 'what the original took and we would not';
is $redis->cli('hexists', 'prefix:alpha', '/a b'), 0, 'can be removed in Redis';

for my $n (1 .. 3) {
    $redis->cli('flushall');
    ok eventually(sub { $redis->cli('hget', 'prefix:alpha', '.*') eq $url }),
        "FLUSHALL $n: what we have is written back";
}
is $proxy->get('alpha', '/')->status, 200, 'and has been served all the time';
ok eventually(sub { alerts() == 1 }), 'one alert says so';

$redis->kill_hard;
$redis->start;
ok eventually(sub { $proxy->log =~ /redis-another/ }, 20), 'restarted with all that it had: it lacks nothing';
is alerts(), 1, 'which is no alert';

# --- SQLite is locked by an operator's look at it ------------------------------------

# Holds the lock until the handle is closed.
sub lock_sqlite {
    my $locked = "$proxy->{dir}/locked";
    open my $in, '|-', 'python3', '-c', <<'PYTHON', "$proxy->{dir}/state/routes.sqlite", $locked or die "python3: $!";
import sqlite3, sys
db = sqlite3.connect(sys.argv[1], isolation_level=None)
db.execute("BEGIN EXCLUSIVE")
open(sys.argv[2], "w").close()
sys.stdin.read()
PYTHON
    eventually(sub { -e $locked }) or die "no lock\n";
    unlink $locked;
    return $in;
}

# Several at once, as sockets; the replies and the longest time.
sub at_once {
    my ($tool, @routes) = @_;
    my $began = time;
    my @sockets = map {
        local $> = $proxy->{uid}{$tool};
        my $socket = IO::Socket::UNIX->new(Peer => $proxy->socket_path('register'));
        $socket->print("register\n$_\n$url\n");
        $socket->flush;
        $socket;
    } @routes;
    my @replies = map { DynProxy::converse($_) } @sockets;
    return (time - $began, @replies);
}

my $lock = lock_sqlite();
my ($seconds, @replies) = at_once('gamma', map { "/$_/.*" } 1 .. 20);
is scalar(grep { /^fail: ./ } @replies), 20, 'with SQLite locked, twenty routes at once are refused';
cmp_ok $seconds, '<', 20, 'within the 2 s that the stores have: together, not one after the other (40 s)';
isnt $proxy->get('gamma', "/$_/x")->status, 200, "route $_ is not served" for 1, 20;
ok eventually(sub { $redis->cli('exists', 'prefix:gamma') == 0 }), 'nor left in Redis';
close $lock;
is $proxy->register('gamma', '/21/.*', $url), 'ok', 'when the lock is gone, one is taken';
isnt $proxy->get('gamma', '/1/x')->status, 200, 'and those that were refused do not come with it';
is $redis->cli('hkeys', 'prefix:gamma'), '/21/.*', 'in Redis neither';

# A client that leaves while its change is at the store: nothing is left of it but
# the route.  Where we are so slow that the store gave up: once more.
sub given_up { return scalar(() = $proxy->log =~ /store-failed/g) }
sub leaves {
    my ($path) = @_;
    my ($before, $locked) = (given_up(), lock_sqlite());
    my $socket = $proxy->connect_as('gamma');
    print $socket "register\n/$path/.*\n$url\n";
    close $socket;
    my $left = eventually(sub { $redis->cli('hexists', 'prefix:gamma', "/$path/.*") && status()->{registrations} == 0 || given_up() > $before });
    close $locked;
    my $served = eventually(sub { $proxy->get('gamma', "/$path/x")->status == 200 || given_up() > $before });
    return ($left, $served) if given_up() == $before;
    return $proxy->register('gamma', "/after-$path/.*", $url) eq 'ok' ? () : (0, 0);
}
my @left;
for my $try (1 .. 10) { last if @left = leaves("left-$try") }
ok $left[0], 'a client leaves when Redis has its route and SQLite has not';
ok $left[1], 'its route comes about';

# --- the canonical mark ------------------------------------------------------------

is $proxy->register('alpha', '.*', $url, 'registerCanonical'), 'ok', 'registerCanonical';
is $redis->cli('exists', 'redirect:alpha'), 1, 'marks it in Redis';
sub canonical_of { decode_json($proxy->admin('/list?full=1')->body)->{ $_[0] }{canonical} }
ok canonical_of('alpha'), 'and in the list';
unlike $redis->cli('info', 'commandstats'), qr/^cmdstat_keys:/m, 'KEYS is never said';
is $proxy->register('alpha', '.*', $url), 'ok', 'a plain register of the same';
is $redis->cli('exists', 'redirect:alpha'), 0, 'clears the mark in Redis';
ok !canonical_of('alpha'), 'and in the list';

# --- Redis does not answer -------------------------------------------------------

kill 'STOP', $redis->{pid};
my $began = time;
is $proxy->register('beta', '.*', $url), 'ok', 'a stopped Redis, store_down = accept: ok';
cmp_ok time - $began, '<', 15, 'in about two seconds: Redis is not waited for';
is $proxy->get('beta', '/')->status, 200, 'and routed';
ok $proxy->redis_status->{unsaved}, 'status shows that Redis lacks it';
my $reconnects = 'dynproxy_store_reconnects_total{store="redis"}';
my $before = $proxy->metrics->{$reconnects};
kill 'CONT', $redis->{pid};
ok eventually(sub { $redis->cli('hget', 'prefix:beta', '.*') eq $url }, 20), 'Redis gets it when it answers again';
ok eventually(sub { $proxy->metrics->{$reconnects} > $before }), 'the metrics say that it was connected again';

# --- store_down = refuse ---------------------------------------------------------

my $strict = DynProxy->new(
    tools  => ['alpha'],
    conf   => { redis => '"' . $redis->addr . '"', store_down => 'refuse' },
    expect => qr/redis-lost|redis-loss/,
);
ok eventually(sub { $strict->redis_status->{connected} }),
    'another node, store_down = refuse';
is $strict->register('alpha', '/one/.*', $url), 'ok', 'Redis answers: ok';
kill 'STOP', $redis->{pid};
like $strict->register('alpha', '/two/.*', $url), qr/^fail: Redis cannot store/, 'Redis is silent: fail';
like $strict->register('alpha', '/three/.*', $url), qr/^fail: Redis cannot store/, 'it is lost: fail';
kill 'CONT', $redis->{pid};
ok eventually(sub { $strict->register('alpha', '/four/.*', $url) eq 'ok' }, 20), 'it is back: ok';
ok eventually(sub { $redis->cli('hexists', 'prefix:alpha', '/two/.*') == 0 }),
    'what was sent and refused is not left there';
$strict->ctl('list', 'alpha');
unlike $strict->out, qr{/two/|/three/}, 'nor published';

# --- a password, and SQLite alone ----------------------------------------------------

$redis->cli('config', 'set', 'requirepass', 'sesame-one');
$ENV{REDISCLI_AUTH} = 'sesame-one';
for my $password (qw(sesame-one sesame-two)) {
    my $node = DynProxy->new(
        tools  => ['delta'],
        conf   => { redis => '"' . $redis->addr . '"', redis_password => qq("$password") },
        expect => qr/redis-lost|redis-loss/,
    );
    my $right = $password eq 'sesame-one' ? 1 : 0;
    ok eventually(sub { $node->log =~ ($right ? qr/redis-connected/ : qr/redis-lost/) }),
        "password $password: " . ($right ? 'connected' : 'not connected, and said so');
    is $node->register('delta', "/pw$right/.*", $url), 'ok', 'a route';
    is $redis->cli('hexists', 'prefix:delta', "/pw$right/.*"), $right ? 1 : 0, $right ? 'is there' : 'is not there';
    unlike $node->log, qr/sesame/, 'the password is not in the log';
}

my $alone = DynProxy->new(tools => ['alpha']);
is $alone->register('alpha', '.*', $url, 'registerCanonical'), 'ok', 'without Redis: registerCanonical';
is $alone->register('alpha', '.*', $url), 'ok', 'register';
$alone->abandon;
$alone->start;
ok !decode_json($alone->admin('/list?full=1')->body)->{alpha}{canonical}, 'is not canonical after a restart';

done_testing;
