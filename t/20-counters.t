# Each response is counted once, by whoever gave it; totals outlive a worker, what
# it had under way does not.
use FindBin;
use lib "$FindBin::Bin/lib";
use DynProxy;

my $proxy = DynProxy->new(workers => 2, tools => ['alpha'], expect => qr/killed|died|ended/);
my $backend = $proxy->backend;
is $proxy->register('alpha', '.*', $backend->url), 'ok', 'a tool';

# What was counted since the start of the test: the harness has asked, too.
my $before;

sub counted {
    my $counted = $proxy->ctl_json('status')->{registrar}{counted};
    my %flat = map { $_ => $counted->{$_} } qw(under_way received sent);
    for my $by (qw(backend proxy)) {
        $flat{"$by $_"} = $counted->{$by}{$_} for keys %{ $counted->{$by} };
    }
    $flat{$_} -= $before->{$_} for keys %{ $before // {} };
    return { map { $_ => $flat{$_} } grep { $flat{$_} } keys %flat };
}
$before = counted();

# The counters, when the last response has been counted.
sub counted_as {
    my ($want, $what) = @_;
    my $is;
    eventually(sub { $is = counted(); delete $is->{sent}; eq_hash($is, $want) });
    is_deeply $is, $want, $what;
}

$proxy->get('alpha', '/') for 1 .. 7;
$proxy->get('nobody', '/') for 1 .. 3;
counted_as({ 'backend 2xx' => 7, 'proxy 4xx' => 3 }, 'seven by the backend, three by us');

# several on one connection, then one that is no request
my $get = join "\r\n", 'GET / HTTP/1.1', 'Host: ' . $proxy->host('alpha'), '', '';
$proxy->raw($get . $get . "nonsense\r\n\r\n");
counted_as({ 'backend 2xx' => 9, 'proxy 4xx' => 4 }, 'each on a connection, and nonsense');
is $proxy->request('POST', 'alpha', '/', body => 'x' x 1000)->status, 200, 'a body';
counted_as({ 'backend 2xx' => 10, 'proxy 4xx' => 4, received => 1000 }, 'is counted');

# a worker dies with a request under way
my $slow = $proxy->connect;
print $slow "GET /slow/60000 HTTP/1.1\r\nHost: " . $proxy->host('alpha') . "\r\n\r\n";
ok eventually(sub { (counted()->{under_way} // 0) == 1 }), 'one request is under way';
kill 'KILL', my $victim = $proxy->worker_of($slow);
ok eventually(sub { my @now = $proxy->worker_pids; @now == 2 && !grep { $_ == $victim } @now }), 'a worker is killed';
counted_as({ 'backend 2xx' => 10, 'proxy 4xx' => 4, received => 1000 }, 'all stays counted, and nothing is under way');

done_testing;
