# The Redis primary is killed while two nodes register: what was acknowledged is
# on both of them 10 s after the election, and an emptied primary takes nothing
# away (1-registration.md 1.3).  FAILOVER_SECONDS of load before and after (2).
use FindBin;
use lib "$FindBin::Bin/lib";
use DynProxy;
use RedisCluster;
use TwoNodes;

my $SECONDS = $ENV{FAILOVER_SECONDS} // 2;

my $cluster = RedisCluster->new;
my $nodes = TwoNodes->new(
    a => [conf => { $cluster->conf, wait_replicas => 1 }],
    b => [conf => { $cluster->conf }],
);

$nodes->register_for($SECONDS);
my $killed = $cluster->primary;
$killed->kill_hard;
$nodes->register_until(sub { my $p = $cluster->primary; $p && $p != $killed });
my $enough = time + $SECONDS / 2;
$nodes->register_until(sub { time > $enough && $nodes->{said} > 100 });
cmp_ok $nodes->{said}, '>', 100, "$nodes->{said} registrations, before, during and after";
is $nodes->{refused}, 0, 'none was refused: store_down = accept';
$nodes->all_are_there('after the election');
ok eventually(sub { !grep { my $r = $nodes->redis_of($_); $r->{unsaved} || !$r->{connected} } $nodes->names }),
    'both nodes write to the new primary, which has all';

# The old one comes back, and is made a replica.
$killed->start;
my $until = time + 30;
$nodes->register_until(sub { $cluster->is_whole || time > $until });
$nodes->all_are_there('with the old primary back');

$cluster->primary->cli('flushall');
$nodes->all_are_there('after FLUSHALL');
ok eventually(sub { $nodes->is_in($cluster->primary) }), 'and Redis has them all again';

# It comes back empty, too quickly for a failover.
my $emptied = $cluster->primary;
$emptied->forget;
$emptied->start;
ok eventually(sub { $nodes->is_in($emptied) }, 15), 'an empty restarted primary gets them all';
$nodes->all_are_there('after that');

done_testing;
