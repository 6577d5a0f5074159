# What a connection costs in user space: an idle one 1 KiB at most, one that is
# waiting or being sent to 80 KiB, given back when it has left; and 4 GiB up or
# down cost nothing (7.5).
use FindBin;
use lib "$FindBin::Bin/lib";
use DynProxy;

# a sanitizer's memory is not the worker's, and a tenth shows all but figures
my $MEASURED    = $DynProxy::BUILD !~ /address|thread/;
my $CONNECTIONS = $MEASURED ? 10_000 : 1000;
my $LARGE       = 4 * 1024**3;

my $proxy = DynProxy->new(workers => 2, tools => ['alpha'], conf => {
    keepalive_timeout => '5m', request_body_max => '8g', tool_requests_max => 0,
    send_timeout => '5m', backend_idle_max => 16,
});
my $backend = $proxy->backend;
is $proxy->register('alpha', '.*', $backend->url), 'ok', 'a tool';
my @workers = $proxy->worker_pids;
is scalar(@workers), 2, 'two workers';

# KiB of memory of their own, of all workers together.
sub kilobytes {
    my $sum = 0;
    for my $pid (@workers) {
        my ($anonymous) = DynProxy::slurp("/proc/$pid/smaps_rollup") =~ /^Private_Dirty:\s+(\d+) kB/m;
        $sum += $anonymous;
    }
    return $sum;
}

sub open_now {
    my $n = 0;
    $n += $proxy->connections_of($_) for @workers;
    return $n;
}

$proxy->get('alpha', '/bytes/100000') for 1 .. 200;
my $before = kilobytes();
ok $before > 0, "the workers begin with $before KiB";

# --- idle: after one request each
my $idle = $proxy->clients('idle', 'alpha', $CONNECTIONS);
is open_now(), $CONNECTIONS, "$CONNECTIONS idle connections";
my $each = (kilobytes() - $before) / $CONNECTIONS;
cmp_ok $each, '<=', 1, sprintf 'each costs %.2f KiB', $each if $MEASURED;
my $came = $idle->finish;
is "$came->{requests} $came->{failures} $came->{closed}", "$CONNECTIONS 0 0", 'each was served, and none was closed';
ok eventually(sub { open_now() == 0 }, 30), 'they leave';

# --- under way: nothing has been answered yet, or nobody reads the answer
for my $case (['the backend is awaited', '/slow/60000'], ['the answer is not read', '/bytes/10000000']) {
    my ($what, $path) = @$case;
    my $wait = $proxy->clients('wait', 'alpha', $CONNECTIONS, $path);
    ok eventually(sub { open_now() == $CONNECTIONS }, 60), "$CONNECTIONS connections, $what";
    my $most = 0;
    for (1 .. 30) {
        my $now = kilobytes();
        $most = $now if $now > $most;
        Time::HiRes::sleep(0.1);
    }
    $each = ($most - $before) / $CONNECTIONS;
    cmp_ok $each, '<=', 80, sprintf 'each costs %.2f KiB', $each if $MEASURED;
    $wait->finish;
    ok eventually(sub { open_now() == 0 }, 60), 'they leave';
    # those whose answer is awaited are taken to be there for body_timeout
    my $back = sub { kilobytes() < $before + 16 * 1024 };
    ok eventually($back, 180), 'and their memory is given back' if $MEASURED;
    diag sprintf '%s: %.2f KiB each; %d KiB when they have left', $what, $each, kilobytes();
}

# --- large bodies
for my $case (['upload', '/discard'], ['download', "/bytes/$LARGE"]) {
    my ($mode, $path) = @$case;
    my $start = kilobytes();
    my $began = Time::HiRes::time();
    my $large = $proxy->clients($mode, 'alpha', $LARGE, $path);
    my $most  = 0;
    my $still = 1;
    while ($still) {
        my $now = kilobytes();
        $most = $now if $now > $most;
        $still = 0 if waitpid($large->{pid}, POSIX::WNOHANG) != 0;
        Time::HiRes::sleep(0.05);
    }
    delete $large->{pid};
    my $said = join ' ', readline $large->{said};
    like $said, qr/requests=1 failures=0/, "a $mode of 4 GiB";
    cmp_ok $most - $start, '<=', 512, sprintf 'costs %d KiB, in %.0f s', $most - $start, Time::HiRes::time() - $began
        if $MEASURED;
}

done_testing;
