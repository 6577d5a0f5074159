# kill -9 of the registrar, of a worker and of Redis, one after the other,
# under load: only requests in flight on the killed worker fail.
use FindBin;
use lib "$FindBin::Bin/lib";
use DynProxy;
use RedisServer;

my $CONNECTIONS = 64;

my $redis = RedisServer->new;
my $proxy = DynProxy->new(
    workers => 2,
    tools   => [qw(alpha beta gamma delta)],
    conf    => { redis => '"' . $redis->addr . '"' },
    expect  => qr/killed|died|ended|redis/,
);
my $backend = $proxy->backend;
is $proxy->register('alpha', '.*', $backend->url), 'ok', 'a tool';

my $load = File::Temp->new;
my $wrk  = fork // die $!;
if (!$wrk) {
    open STDOUT, '>', "$load";
    exec 'wrk', '-t2', "-c$CONNECTIONS", '-d120s', '--timeout', '10s',
        '-H', 'Host: ' . $proxy->host('alpha'), "http://127.0.0.1:$proxy->{http_port}/" or exit 127;
}

END { kill 'KILL', $wrk if $wrk }

# Established connections of all workers, when wrk has opened all of its own.
sub loaded {
    my %of = map { $_ => $proxy->connections_of($_) } $proxy->worker_pids;
    my $sum = 0;
    $sum += $_ for values %of;
    return $sum >= $CONNECTIONS && \%of;
}
ok eventually(\&loaded), "wrk has its $CONNECTIONS connections";

my $registrar = $proxy->registrar_pid;
kill 'KILL', $registrar;
is $proxy->register('beta', '.*', $backend->url), 'ok', 'registrar killed: the next registration waits for its successor';
isnt $proxy->registrar_pid, $registrar, 'there is another registrar';
is $proxy->get('beta', '/')->status, 200, 'and what it registered is served';

my $of = eventually(\&loaded);
my ($victim) = sort { $of->{$b} <=> $of->{$a} } keys %$of;
kill 'KILL', $victim;
ok eventually(sub { my @now = $proxy->worker_pids; @now == 2 && !grep { $_ == $victim } @now }),
    'worker killed: it has a successor';
ok eventually(\&loaded), 'which takes the connections';
is $proxy->get('beta', '/')->status, 200, "connection $_ is served" for 1 .. 20;

$redis->kill_hard;
is $proxy->register('gamma', '.*', $backend->url), 'ok', 'Redis killed: registration works all the same';
is $proxy->get('gamma', '/')->status, 200, 'and is served';
$redis->start;
ok eventually(sub { $redis->cli('hget', 'prefix:gamma', '.*') eq $backend->url }, 20),
    'Redis is back: it gets what it missed';
is $redis->cli('hget', "prefix:$_", '.*'), $backend->url, "Redis has $_" for qw(alpha beta);
is $proxy->register('delta', '.*', $backend->url), 'ok', 'registration works again';
is $redis->cli('hget', 'prefix:delta', '.*'), $backend->url, 'with Redis';

kill 'INT', $wrk;    # it ends with a report
waitpid $wrk, 0;
undef $wrk;
my $report = DynProxy::slurp("$load");
note $report;
my ($requests) = $report =~ /(\d+) requests in/;
cmp_ok $requests // 0, '>', 1000, 'wrk made its requests';
my $failed = 0;
$failed += $_ for $report =~ /Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)/;
$failed += $1 if $report =~ /Non-2xx or 3xx responses: (\d+)/;
cmp_ok $failed, '<=', $of->{$victim}, "at most the $of->{$victim} requests on the killed worker failed";

done_testing;
