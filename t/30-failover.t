# The Redis primary is killed while two nodes register: what was acknowledged is
# on both of them 10 s after the election, and an emptied primary takes nothing
# away (1-registration.md 1.3).  FAILOVER_SECONDS: how long, in all (8).
use FindBin;
use lib "$FindBin::Bin/lib";
use DynProxy;
use JSON::PP;
use RedisCluster;
use Time::HiRes qw(sleep time);

my $SECONDS = $ENV{FAILOVER_SECONDS} // 8;
my $RATE    = 100;

my $cluster = RedisCluster->new;
my %nodes = map {
    my $node = $_;
    $node => DynProxy->new(
        tools  => [map { "$node$_" } 0 .. 19],
        conf   => { $cluster->conf, wait_replicas => $node eq q(a) ? 1 : 0 },
        expect => qr/redis-lost|redis-loss|redis-held/,
    );
} qw(a b);

sub redis_of { my ($node) = @_; (($nodes{$node}->ctl_json('status') // {})->{registrar} // {})->{redis} // {} }
for my $node (sort keys %nodes) {
    ok eventually(sub { my $r = redis_of($node); $r->{connected} && $r->{synced} }), "node $node found the primary";
}

# name, route, destination: all that a node has.
sub routes_of {
    my ($node) = @_;
    return { map { $_->{tool} . ' ' . $_->{pattern} => $_->{destination} } @{ $nodes{$node}->ctl_json('list') // [] } };
}

# Acknowledged: "tool route" => destination.
my %acknowledged;
my ($said, $refused) = (0, 0);

# So many a second, one after the other, until it is done.
sub register_until {
    my ($done) = @_;
    my ($began, $n) = (time, 0);
    until ($done->()) {
        my $node = $said % 2 ? 'a' : 'b';
        my $tool = $node . ($said / 2 % 20);
        my $route = '/' . int($said / 40) % 30 . '/.*';
        my $url = 'http://127.0.0.1:' . (20000 + $said++);
        my $reply = $nodes{$node}->register($tool, $route, $url);
        if ($reply eq 'ok') { $acknowledged{"$tool $route"} = $url }
        else                { $refused++; diag $reply }
        my $ahead = ++$n / $RATE - (time - $began);
        sleep $ahead if $ahead > 0;
    }
}

sub missing_on {
    my ($node) = @_;
    my $there = routes_of($node);
    return grep { ($there->{$_} // '') ne $acknowledged{$_} } sort keys %acknowledged;
}

sub all_are_there {
    my ($when) = @_;
    for my $node (sort keys %nodes) {
        eventually(sub { !missing_on($node) }, 10);
        my @missing = missing_on($node);
        is scalar(@missing), 0, "$when: node $node has every acknowledged route within 10 s"
            or diag join "\n", map { "$_ $acknowledged{$_}" } @missing[0 .. ($#missing > 4 ? 4 : $#missing)];
    }
}

my $until = time + $SECONDS / 4;
register_until(sub { time > $until });
my $killed = $cluster->primary;
$killed->kill_hard;
my $elected = 0;
register_until(sub { ($elected ||= do { my $p = $cluster->primary; $p && $p != $killed ? time : 0 }) });
$until = time + $SECONDS / 8;
register_until(sub { time > $until });
cmp_ok $said, '>', 100, "$said registrations, before, during and after";
is $refused, 0, 'none was refused: store_down = accept';
all_are_there('after the election');
ok eventually(sub { !grep { redis_of($_)->{unsaved} || !redis_of($_)->{connected} } keys %nodes }),
    'both nodes write to the new primary, which has all';

# The old one comes back, and is made a replica.
$killed->start;
register_until(sub { $cluster->primary && $cluster->is_whole || time > $until + 30 });
all_are_there('with the old primary back');

$cluster->primary->cli('flushall');
all_are_there('after FLUSHALL');
for my $node (keys %nodes) {
    my @missing = eventually(sub { redis_of($node)->{unsaved} == 0 });
}
my $count = sub { my $n = 0; $n += $cluster->primary->cli('hlen', "prefix:$_") for map { my $n = $_; map { "$n$_" } 0 .. 19 } qw(a b); $n };
ok eventually(sub { $count->() == keys %acknowledged }, 10), 'and Redis has them all again';

# It comes back empty, too quickly for a failover.
my $emptied = $cluster->primary;
$emptied->forget;
$emptied->start;
ok eventually(sub { $count->() == keys %acknowledged }, 15), 'an empty restarted primary gets them all';
all_are_there('after that');

done_testing;
