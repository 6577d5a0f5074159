# Who removes ever other routes does not fill Redis: of hundreds of strikes the
# oldest are forgotten, which is told; the others are not undone by a node that
# comes with an older word (1-registration.md 1.3).
use FindBin;
use lib "$FindBin::Bin/lib";
use DynProxy;
use RedisServer;
use Time::HiRes qw(time);

my $MOST = 512;    # records of a tool, before some are forgotten
my $KEPT = 448;    # and after

my $redis = RedisServer->new;
my %nodes = map {
    $_ => DynProxy->new(
        tools  => ['alpha'],
        conf   => { redis => '"' . $redis->addr . '"', node_name => $_ },
        expect => qr{redis-lost|redis-loss},
    );
} qw(one two);
my ($one, $two) = @nodes{qw(one two)};
my $backend = $one->backend;

sub synced   { my ($node) = @_; eventually(sub { my $r = $node->redis_status; $r->{connected} && $r->{synced} && !$r->{unsaved} }, 20) }
sub routes   { my ($node) = @_; join ' ', sort map { $_->{pattern} } @{ $node->ctl_json('list', 'alpha') // [] } }
sub forgotten { $two->metrics->{'dynproxy_store_forgotten_strikes_total{store="redis"}'} }
sub known { map { $_ => 1 } split /\n/, $redis->cli('hkeys', 'dynproxy:route:alpha') }
sub version { my ($at) = @_; return sprintf '%016x', $at * 65536000 }

ok synced($_), 'connected' for $one, $two;
is $one->register('alpha', $_, $backend->url), 'ok', "a route: $_" for qw(/live /young);
ok eventually(sub { routes($two) eq '/live /young' }), 'both nodes have them';

# A node is cut off with its word about a route, which is then removed elsewhere.
$redis->kill_hard;
is $one->register('alpha', '/young', $backend->url), 'ok', 'it says so again, to one that is cut off';
$one->abandon;
$redis->start;
ok synced($two), 'the other node is not';

# So many have gone before, and what is no strike at all.
my $day_ago = time - 86400;
my %struck  = map { ("/$_" => version($day_ago + $_) . ' 1') } 1 .. $MOST - 4;
$redis->cli('hset', 'dynproxy:route:alpha', %struck, '/garbage', 'zzzz', '/future', 'f' x 16 . ' 1');
my %before = known();
is keys %before, $MOST, 'as many records as there may be';
is forgotten(), 0, 'of which none was forgotten';
is $two->unregister('alpha', '/young'), 'ok', 'the route is removed';
is keys %{ { known() } }, $MOST, 'that is one of them';

is $two->register('alpha', '/more', $backend->url), 'ok', 'one more';
my %left = known();
is keys %left, $KEPT, 'and the oldest have gone';
my $gone = keys(%before) + 1 - $KEPT;
is forgotten(), $gone, 'as many as the metric says';
like $two->log, qr/^.*redis-forgotten name=alpha routes=$gone\b/m, 'and the log';
ok $left{$_}, "$_ is known" for qw(/live /young /more);
ok !$left{$_}, "$_ is not" for qw(/garbage /future);
is join(' ', grep { !$left{"/$_"} } 1 .. $MOST - 4), join(' ', 1 .. $gone - 2), 'the others that are forgotten are the oldest';

$one->start;
ok synced($one), 'the node that was cut off is back';
ok eventually(sub { routes($_) eq '/live /more' }), 'it does not undo what was removed' for $one, $two;
is $redis->cli('hexists', 'prefix:alpha', '/young'), 0, 'nor is it in Redis';

done_testing;
