# What was removed here stays so when Redis comes back with a file from before, as
# after a failover, or from a backup; a later word counts (1-registration.md 1.3).
use FindBin;
use lib "$FindBin::Bin/lib";
use DynProxy;
use RedisServer;

my $redis = RedisServer->new;
my $url   = 'http://127.0.0.1:8000';
my $proxy = DynProxy->new(tools => ['alpha'], conf => { redis => '"' . $redis->addr . '"' }, expect => qr/redis-loss|redis-lost/);
sub of_alpha { join ' ', sort map { $_->{pattern} } @{ $proxy->ctl_json('list', 'alpha') } }
sub in_redis { join ' ', sort split /\n/, $redis->cli('hkeys', "prefix:$_[0]") }

ok eventually(sub { $proxy->redis_status->{connected} && $proxy->redis_status->{synced} }), 'Redis is there';
is $proxy->register('alpha', $_, $url), 'ok', "$_ is registered" for '/goes', '/returns', '/stays';
is $proxy->ctl('add', 'beta', '.*', $url), 0, 'and another tool by the operator';
my $before = "$redis->{dir}/before";
is +(run_command('cp', '-a', "$redis->{dir}/appendonlydir", $before))[0], 0, 'as Redis has it now';
is $proxy->unregister('alpha', $_), 'ok', "$_ is removed" for '/goes', '/returns';
is $proxy->ctl('del', 'beta'), 0, 'and so is that tool';
is $proxy->register('alpha', '/returns', $url), 'ok', 'one is registered again';

$redis->forget;
rename $before, "$redis->{dir}/appendonlydir" or die $!;
$redis->start;
ok eventually(sub { in_redis('alpha') eq '/returns /stays' && in_redis('beta') eq '' }), 'Redis is told' or diag in_redis('alpha'), in_redis('beta');
is of_alpha(), '/returns /stays', '  and not believed';
is $proxy->ctl('list', 'beta'), 1, '  of the other tool either';
$redis->cli('hset', 'prefix:beta', '.*', $url);
ok eventually(sub { $proxy->ctl('list', 'beta') == 0 }), 'what others write anew is';

# A removal that was answered with fail is none: nothing is struck for its sake.
$proxy->stop;
$proxy = DynProxy->new(tools => ['alpha'], conf => { redis => '"' . $redis->addr . '"', store_down => 'refuse' }, expect => qr/redis-loss|redis-lost/);
ok eventually(sub { $proxy->redis_status->{connected} && of_alpha() eq '/returns /stays' }), 'a node that refuses when Redis is not there';
kill 'STOP', $redis->{pid};
like $proxy->register('alpha', '/not', $url), qr/^fail/, 'as it does';
like $proxy->unregister('alpha', '/stays'), qr/^fail/, 'and a removal, too';
kill 'CONT', $redis->{pid};
ok eventually(sub { $proxy->register('alpha', '/last', $url) eq 'ok' }), 'until it is there again';
ok eventually(sub { $proxy->redis_status->{unsaved} == 0 && in_redis('alpha') eq '/last /returns /stays' }), 'and nothing was removed';
$redis->cli('hdel', 'prefix:alpha', '/stays');
ok eventually(sub { of_alpha() eq '/last /returns' }), 'others remove it';
$redis->cli('hset', 'prefix:alpha', '/stays', $url);
ok eventually(sub { of_alpha() eq '/last /returns /stays' }), 'and write it again';
is $proxy->unregister('alpha', '/last'), 'ok', 'all that goes before has come about';
is in_redis('alpha'), '/returns /stays', '  and it is there';

done_testing;
