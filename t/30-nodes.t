# Leases over several nodes: two leases on two nodes are two backends of both;
# those of a node that is gone are ended by another one, after the grace, and
# nothing else is (1-registration.md 1.1).
use FindBin;
use lib "$FindBin::Bin/lib";
use DynProxy;
use RedisServer;

my $redis = RedisServer->new;
my %nodes = map {
    $_ => DynProxy->new(
        tools  => [qw(alpha beta)],
        conf   => { redis => '"' . $redis->addr . '"', node_name => $_, lease_grace => '1s' },
        expect => qr/redis-lost/,
    );
} qw(one two three);
my $backend = $nodes{one}->backend(count => 4);
for my $node (values %nodes) {
    ok eventually(sub { my $r = ($node->ctl_json('status') // {})->{registrar}{redis}; $r->{connected} && $r->{synced} }), 'connected';
}

# The backends of a tool as a node has them: "URL lease".
sub backends_of {
    my ($node, $tool) = @_;
    return join ' ', sort map { join '@', $_->{destination}, $_->{lease} // '-' }
        grep { $_->{tool} eq $tool } @{ $nodes{$node}->ctl_json('list') // [] };
}

my $one   = $nodes{one}->lease('alpha', '.*', $backend->url(0));
my $first = $backend->url(0) . '@one';
ok eventually(sub { backends_of('two', 'alpha') eq $first }), 'a lease on one is known on two';
my $two  = $nodes{two}->lease('alpha', '.*', $backend->url(1));
my $both = join ' ', sort $first, $backend->url(1) . '@two';
for my $node (qw(one two three)) {
    ok eventually(sub { backends_of($node, 'alpha') eq $both }), "a second one on two: both are backends on $node";
}
like $redis->cli('hget', 'prefix:alpha', '.*'), qr/^http:/, 'the original finds one of them';
is $nodes{two}->register('beta', '.*', $backend->url(2)), 'ok', 'a route without a lease';
is $redis->cli('exists', 'dynproxy:node:one', 'dynproxy:node:two', 'dynproxy:node:three'), 3, 'each node keeps its key alive';

close $two;
ok eventually(sub { backends_of('one', 'alpha') eq $first }), 'a lease that ends on two is gone from one';
$two = $nodes{two}->lease('alpha', '.*', $backend->url(1));
ok eventually(sub { backends_of('one', 'alpha') eq $both }), 'and comes back';

# What one is told of its own lease, before it knows what has happened on two.
sub before_it_knows {
    my ($say, $happens) = @_;
    my $registrar = $nodes{one}->registrar_pid;
    kill 'STOP', $registrar;
    $say->();
    my $happened = $happens->();
    kill 'CONT', $registrar;
    return $happened;
}
sub third { $nodes{two}->lease('alpha', '.*', $backend->url(3)) }
my $third = before_it_knows(sub { $one->printflush("drain\n") }, \&third);
my $all   = join ' ', sort $both, $backend->url(3) . '@two';
like DynProxy::say_on($one), qr/^fail: .*changed meanwhile/, 'a drain is refused that knows less than Redis';
is DynProxy::say_on($third, 'ping'), 'ok', 'the lease that came before it is held';
ok eventually(sub { backends_of($_, 'alpha') eq $all }), "all are backends on $_" for qw(one two);
ok eventually(sub { DynProxy::say_on($one, 'drain') eq 'ok' }), 'once it knows, it may drain its own';
close $third;
ok eventually(sub { backends_of('one', 'alpha') eq $both }), 'without the third';
$third = before_it_knows(sub { close $one }, \&third);
ok eventually(sub { backends_of($_, 'alpha') eq join ' ', sort map { $backend->url($_) . '@two' } 1, 3 }), "a lease that ends on one meanwhile ends alone on $_" for qw(one two);
is DynProxy::say_on($third, 'ping'), 'ok', 'the other is held';
$one = $nodes{one}->connect_as('alpha');
ok eventually(sub { $nodes{one}->ctl('registrations') == 0 && $nodes{one}->out =~ / waiting /m }), 'one will lease once more';
before_it_knows(
    sub { $one->printflush("lease\n.*\n", $backend->url(0), "\n") },
    sub { close $third; eventually(sub { backends_of('two', 'alpha') eq $backend->url(1) . '@two' }) or die 'not closed' },
);
is DynProxy::say_on($one), 'ok', 'and does, with what has ended on two';
ok eventually(sub { backends_of($_, 'alpha') eq $both }), "which ends there again, after the grace: gone from $_" for qw(one two);

$nodes{two}->abandon;
my $seen = 0;
ok eventually(sub {
    $seen ||= backends_of('one', 'alpha') eq $both && !$redis->cli('exists', 'dynproxy:node:two');
    backends_of('one', 'alpha') eq $first;
}, 30), 'two is killed: its lease is ended';
ok eventually(sub {
    0 < grep { $nodes{$_}->metrics->{'dynproxy_routes_pruned_total{reason="node"}'} } qw(one three)
}), 'and counted by who has ended it';
ok $seen, 'but not before its key was gone';
ok eventually(sub { backends_of('three', 'alpha') eq $first }), 'on the third as well';
is backends_of($_, 'beta'), $backend->url(2) . '@-', "its route without a lease stays on $_" for qw(one three);
is DynProxy::say_on($one, 'ping'), 'ok', 'and the lease on one is held';

done_testing;
