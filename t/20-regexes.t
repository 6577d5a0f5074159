# Regular expressions cost each request that comes by: a tool has only a few,
# whoever registers them (7-security.md 7.2).
use FindBin;
use lib "$FindBin::Bin/lib";
use DynProxy;
use RedisServer;
use Time::HiRes qw(time);

my $redis = RedisServer->new;
my $proxy = DynProxy->new(
    tools => [qw(alpha beta)],
    conf  => { redis => '"' . $redis->addr . '"' },
);
my $backend = $proxy->backend;
my $url     = $backend->url;

is $proxy->register('alpha', "/[$_]", $url), 'ok', "regular expression $_" for 1 .. 8;
like $proxy->register('alpha', '/[9]', $url), qr/^fail: the tool has 8 regular expressions already: ./,
    'one more is refused';
is $proxy->register('alpha', '/[8]', $url), 'ok', 'one of them is replaced';
is $proxy->register('alpha', '/9/.*', $url), 'ok', 'what is none is taken';
is $proxy->unregister('alpha', '/[8]'), 'ok', 'one goes';
is $proxy->register('alpha', '/[9]', $url), 'ok', 'then another one comes';

$redis->cli('hset', 'prefix:gamma', map { ("/[$_]", $url) } 1 .. 9);
# counted at each reading, of which the first pass may be another one
ok eventually(sub { ($proxy->redis_status->{refused} // 0) >= 1 }),
    'what others wrote has the same bound';
ok eventually(sub { 8 == grep { $proxy->get('gamma', "/$_")->status == 200 } 1 .. 9 }), 'the others are served';

# What they may cost is t/unit/route/pattern.c's matter; here they meet a worker.
is $proxy->register('beta', "(?:(?![^!]*+!).)*y$_", $url), 'ok', "costly $_" for 1 .. 8;
is $proxy->register('beta', '/.*', $url), 'ok', 'a plain one beside';
is $proxy->get('beta', '/12345678' . 'a' x 7900)->status, 200, 'they match nothing, and it does';

done_testing;
