# What a Redis lost that others had written there is a loss, too, however it
# comes back: this node has it still, and writes it (1-registration.md 1.3).
use FindBin;
use lib "$FindBin::Bin/lib";
use DynProxy;
use RedisServer;

my $redis = RedisServer->new;
my $url   = 'http://127.0.0.1:8000';
my $proxy = DynProxy->new(tools => ['alpha'], conf => { redis => '"' . $redis->addr . '"' }, expect => qr/redis-loss|redis-lost/);
my @others = map { "other-$_" } 1 .. 5;

sub written { join ' ', grep { $redis->cli('hget', "prefix:$_", '.*') eq $url } @others }
sub known { join ' ', sort map { $_->{tool} } @{ $proxy->ctl_json('list') } }
ok eventually(sub { $proxy->redis_status->{connected} && $proxy->redis_status->{synced} }), 'Redis is there';
$redis->cli('hset', "prefix:$_", '.*', $url) for @others;
ok eventually(sub { known() eq "@others" }), 'and has what the original wrote';

# It comes back without that, and with a name that is read together with theirs.
$redis->forget;
{
    local $redis->{port} = DynProxy::free_port();
    $redis->start;
    $redis->cli('eval', q{for i = 1, 60 do redis.call('sadd', 'frontend:giant.example.org', i .. string.rep('x', 100000)) end}, 0);
    $redis->kill_hard;
}
$redis->start;
ok eventually(sub { $proxy->log =~ /redis-refused key=frontend:giant\.example\.org .*too large/ }), 'a new one, with a name that is too large';
ok eventually(sub { written() eq "@others" }), 'what it lacks is written to it' or diag $proxy->log;
is known(), "@others", 'and stays here';

done_testing;
