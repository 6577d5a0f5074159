# What a Redis lost that others had written there is a loss, too, however it
# comes back: this node has it still, and writes it (1-registration.md 1.3).
use FindBin;
use lib "$FindBin::Bin/lib";
use DynProxy;
use POSIX qw(strftime);
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

# It comes back without that, and has much to be told first, also of that name.
$redis->cli('del', 'frontend:giant.example.org');
$redis->cli('hset', 'prefix:mike', '/theirs', $url);
ok eventually(sub { known() =~ /mike/ }), 'what the original wrote of a tool';
$redis->forget;
my $many = "$proxy->{dir}/many";
open my $fh, '>', $many or die "$many: $!";
my $n = 0;
sub route { sprintf qq({"tool":"%s","pattern":"/ours","destinations":["http://10.1.%d.%d:8000"]}\n), $_[0], ++$n >> 8, $n & 255 }
print $fh map({ route("first-$_") } 1 .. 2_000), route('mike'), map { route("then-$_") } 1 .. 4_000;
close $fh;
is $proxy->ctl('import', $many), 0, 'many routes while Redis is away, one of them beside it';
$redis->start;
ok eventually(sub { $redis->cli('hexists', 'prefix:mike', '/ours') }), 'a new one gets that';
ok eventually(sub { $proxy->redis_status->{unsaved} == 0 && $redis->cli('hget', 'prefix:mike', '/theirs') eq $url }), 'and what the original had written'
    or diag $proxy->log =~ /.*name=mike.*/g;

# It comes back without that, and is read before it takes what is ours of that name.
$redis->cli('hset', 'prefix:november', '/theirs', $url);
ok eventually(sub { known() =~ /november/ }), 'and of another one';
$redis->forget;
is $proxy->ctl('add', 'november', '/ours', $url), 0, 'a route beside it, while Redis is away';
my $synced;
ok eventually(sub { strftime('%FT%TZ', gmtime) ne ($synced = $proxy->redis_status->{synced}) }), 'the last pass was a while ago';
my $port = $redis->{port};
{
    local $redis->{port} = DynProxy::free_port();
    $redis->start;
    $redis->cli('client', 'pause', 60_000, 'write');
    $redis->cli('config', 'set', 'port', $port);
}
ok eventually(sub { $proxy->redis_status->{synced} ne $synced }), 'a new one is read, and takes nothing yet';
$redis->cli('client', 'unpause');
ok eventually(sub { $redis->cli('hget', 'prefix:november', '/ours') eq $url }), 'then it gets that';
ok eventually(sub { $proxy->redis_status->{unsaved} == 0 && $redis->cli('hget', 'prefix:november', '/theirs') eq $url }), 'and what the original had written';

done_testing;
