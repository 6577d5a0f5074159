# What was said while Redis was away is not lost with the registrar, and never
# replaces what was said later elsewhere (1-registration.md 1.3).
use FindBin;
use lib "$FindBin::Bin/lib";
use DynProxy;
use RedisServer;

my $redis = RedisServer->new;
my %nodes = map {
    $_ => DynProxy->new(
        tools  => [qw(alpha beta gamma)],
        conf   => { redis => '"' . $redis->addr . '"', node_name => $_ },
        expect => qr{redis-lost|redis-loss|child-died registrar},
    );
} qw(one two);
my ($one, $two) = @nodes{qw(one two)};
my $backend = $one->backend(count => 2);

sub synced   { my ($node) = @_; eventually(sub { my $r = $node->redis_status; $r->{connected} && $r->{synced} && !$r->{unsaved} }, 20) }
sub where_to { my ($node, $tool) = @_; join ' ', map { $_->{destination} } grep { $_->{tool} eq $tool } @{ $node->ctl_json('list') // [] } }
sub kept     { my ($node) = @_; (run_command('sqlite3', '-readonly', "$node->{dir}/state/routes.sqlite", 'select count(*) from unsaved'))[1] }
ok synced($_), 'connected' for $one, $two;

is $one->register($_, '.*', $backend->url), 'ok', "a route of $_" for qw(alpha gamma);
ok eventually(sub { where_to($two, 'alpha') && where_to($two, 'gamma') }), 'both nodes have them';

$redis->kill_hard;
is $one->unregister('alpha', '.*'), 'ok', 'Redis is away: unregistered';
is $one->register('beta', '.*', $backend->url), 'ok', 'and registered';
my $registrar = $one->registrar_pid;
kill 'KILL', $registrar;
ok eventually(sub { my $pid = $one->registrar_pid; $pid && $pid != $registrar }), 'the registrar is killed';
ok eventually(sub { $one->redis_status->{unsaved} == 2 }), 'its successor knows what Redis has not got';
$redis->start;
ok synced($_), 'Redis is back' for $one, $two;
is $redis->cli('exists', 'prefix:alpha'), 0, 'what was unregistered is gone from it';
is $redis->cli('hget', 'prefix:beta', '.*'), $backend->url, 'what was registered is there';
ok eventually(sub { where_to($_, 'alpha') eq '' }), 'and does not come back' for $one, $two;
ok eventually(sub { where_to($two, 'beta') eq $backend->url }), 'the other node has the new one';

# Said earlier, told later.
$redis->kill_hard;
is $one->register('gamma', '.*', $backend->url(0)), 'ok', 'one says something while Redis is away';
is $one->register('beta', '.*', $backend->url(0)), 'ok', 'twice';
$one->abandon;
$redis->start;
ok synced($two), 'Redis is back, that node is not';
is $two->register('gamma', '.*', $backend->url(1)), 'ok', 'the other one says something else later';
is $two->unregister('beta', '.*'), 'ok', 'and unregisters';
$one->start;
ok synced($one), 'now the first one comes';
is $redis->cli('hget', 'prefix:gamma', '.*'), $backend->url(1), 'what was said later holds';
is $redis->cli('exists', 'prefix:beta'), 0, 'also that it is gone';
for my $node ($one, $two) {
    ok eventually(sub { where_to($node, 'gamma') eq $backend->url(1) && where_to($node, 'beta') eq '' }), 'on both nodes';
}

# Told by the registrar that heard it: the next one does not tell it again.
is $one->register('alpha', '.*', $backend->url(0)), 'ok', 'a route';
ok synced($_), 'which all have' for $one, $two;
$redis->kill_hard;
is $one->unregister('alpha', '.*'), 'ok', 'Redis is away: unregistered';
ok eventually(sub { $one->redis_status->{unsaved} }), 'which Redis has not got';
$redis->start;
ok synced($_), 'Redis is back, and gets it' for $one, $two;
is $redis->cli('exists', 'prefix:alpha'), 0, 'the route is gone from it';
ok eventually(sub { kept($one) eq "0\n" }), 'and SQLite keeps nothing more for it';
$one->abandon;
$redis->cli('hset', 'prefix:alpha', '.*', $backend->url(1));
ok eventually(sub { where_to($two, 'alpha') eq $backend->url(1) }), 'meanwhile the original, which knows no versions, has a route';
$one->start;
ok synced($one), 'the first one comes';
is $redis->cli('hget', 'prefix:alpha', '.*'), $backend->url(1), 'and leaves it alone';
ok eventually(sub { where_to($_, 'alpha') eq $backend->url(1) }), 'on both nodes' for $one, $two;

done_testing;
