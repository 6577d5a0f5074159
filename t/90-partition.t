# The network between two halves is cut, for PARTITION_SECONDS (8): each half
# registers on, with or without a primary; when it is whole again, what either
# acknowledged is on both (1-registration.md 1.3).
use FindBin;
use lib "$FindBin::Bin/lib";
use OwnNetwork;
use DynProxy;
use RedisCluster;
use TwoNodes;

my $SECONDS = $ENV{PARTITION_SECONDS} // 8;

my $far = OwnNetwork::host(name => 'far', ours => '10.97.0.1', theirs => '10.97.0.2');
OwnNetwork::run(qw(sysctl -q -w net.ipv4.ip_nonlocal_bind=1));    # free_port of an address over there
my @here  = (address => '10.97.0.1');
my @there = (address => '10.97.0.2', wrapper => [$far->command(undef)]);

my $cluster = RedisCluster->new([@here], [@there], [@there]);
my $nodes = TwoNodes->new(
    a => [@here,  conf => { $cluster->conf }],
    b => [@there, conf => { $cluster->conf(1) }],
);
$nodes->register_for(2);
ok $cluster->first_leads, 'the primary is in the smaller half';
my $before = $cluster->{servers}[0];

OwnNetwork::run(qw(ip link set far down));
$nodes->register_for($SECONDS);
ok eventually(sub { my $p = $cluster->primary; $p && $p != $before }), 'the larger half has elected another one';
$nodes->register_for(1);
is $nodes->{refused}, 0, 'nothing was refused in either half';

OwnNetwork::run(qw(ip link set far up));
$nodes->register_until(sub { $cluster->is_whole });
$nodes->all_are_there('when it is whole again');
ok eventually(sub { my $p = $cluster->primary; $p && $nodes->is_in($p) }), 'and in the one Redis';

done_testing;
