# The stores: what `ok` and `fail` mean when one of them is away, slow, locked or
# emptied (1-registration.md 1.3).
use FindBin;
use lib "$FindBin::Bin/lib";
use DynProxy;
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
sub redis_status { (status() // {})->{redis} // {} }
sub alerts { scalar(() = $proxy->log =~ /redis-loss/g) }
ok eventually(sub { redis_status()->{connected} && redis_status()->{synced} }), 'Redis is there';

# --- what others say in Redis ------------------------------------------------

is $proxy->register('alpha', '.*', $url), 'ok', 'a route';
my $refused = redis_status()->{refused};
$redis->cli('publish', '__redis__:invalidate', 'x') for 1 .. 20;
ok eventually(sub { redis_status()->{refused} == $refused + 20 }), 'text on the channel is counted';
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

done_testing;
