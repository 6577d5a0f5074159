# Every response is counted once, with who made it and why: the metrics, the
# access log and who asked agree (4-operations.md 4.3); and promtool is content.
use FindBin;
use lib "$FindBin::Bin/lib";
use DynProxy;
use File::Temp;
use JSON::PP;

my $scratch = File::Temp->newdir;
chmod 0777, $scratch;
my $proxy = DynProxy->new(workers => 2, tools => [qw(alpha beta down gone)],
    conf => { access_log => qq("$scratch/access.log"), access_log_format => '"json"', rate_limit => 1000000, rate_burst => 1000000 });
my $backend = $proxy->backend(count => 2);
is $proxy->register('alpha', '.*', $backend->url(0)), 'ok', 'alpha';
is $proxy->register('beta',  '.*', $backend->url(1)), 'ok', 'beta';
is $proxy->register('down',  '.*', 'http://127.0.0.1:' . DynProxy::free_port()), 'ok', 'one that does not answer';
is $proxy->register('gone',  '.*', $backend->url(0)), 'ok', 'one that will be gone';
is $proxy->unregister('gone', '.*'), 'ok', 'and is';

sub sum_of {
    my ($values, $want) = @_;
    my $sum = 0;
    $sum += $values->{$_} for grep { $_ =~ $want } keys %$values;
    return $sum;
}
sub lines { my @all = DynProxy::slurp("$scratch/access.log") =~ /^.*\n/mg; return @all }    # whole ones

my $before = $proxy->metrics;
my %asked;
sub ask {
    my ($tool, $path, $method, $times) = @_;
    for (1 .. $times) {
        my $status = $proxy->request($method, $tool, $path)->status;
        $asked{ int($status / 100) . 'xx' }++;
    }
}
ask('alpha',  '/',                     'GET',  40);
ask('alpha',  '/',                     'HEAD', 5);
ask('beta',   '/',                     'POST', 10);
ask('down',   '/',                     'GET',  7);
ask('gone',   '/',                     'GET',  3);
ask('nobody', '/',                     'GET',  6);
ask('alpha',  '/.well-known/healthz',  'GET',  2);
is $proxy->request('GET', 'beta', '/', headers => { Connection => 'Upgrade', Upgrade => 'websocket' })->status, 200, 'no WebSocket there';
$asked{'2xx'}++;
is $proxy->request('GET', 'nobody', '/', headers => { Connection => 'Upgrade', Upgrade => 'WebSocket' })->status, 404, 'nor there';
$asked{'4xx'}++;
$asked{'4xx'}++ if DynProxy::Response->new($proxy->raw("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"))->status == 400;

my $after = $proxy->metrics;
for my $class (qw(2xx 4xx 5xx)) {
    my $want = qr/^dynproxy_http_requests_total\{.*code="$class"/;
    is sum_of($after, $want) - sum_of($before, $want), $asked{$class}, "$class: as many as were asked for";
}
my $all = qr/^dynproxy_http_requests_total\{/;
ok eventually(sub { lines() == sum_of($after, $all) }), 'as many lines in the access log' or diag scalar(lines()), ' ', sum_of($after, $all);

is $after->{'dynproxy_http_requests_total{tool="alpha",code="2xx",method="GET",origin="backend"}'}, 40, "alpha's, by its backend";
is $after->{'dynproxy_http_requests_total{tool="alpha",code="2xx",method="HEAD",origin="backend"}'}, 5, 'by method';
is sum_of($after, qr/_errors_total\{tool="down"/), 7, 'errors of a tool that does not answer';
my $nobody = qr/_errors_total\{tool="_none",reason="no-route"\}/;
is sum_of($after, $nobody) - sum_of($before, $nobody), 7, 'of nobody';
my $no_websocket = 'dynproxy_websocket_failures_total{reason=';
is $after->{qq($no_websocket"not-upgraded"})}, 1, 'a WebSocket that a backend does not know';
is $after->{qq($no_websocket"no-route"})}, 1, 'and one that was for nobody';
is $after->{'dynproxy_http_request_duration_seconds_count{tool="alpha"}'}, 45, 'times of alpha';
is $after->{'dynproxy_http_request_duration_seconds_bucket{tool="alpha",le="+Inf"}'}, 45, 'the last bucket has them all';
is $after->{'dynproxy_routes{state="active"}'}, 3, 'routes';
is $after->{'dynproxy_routes{state="tombstone"}'}, 1, 'and one that was';
sub states { my $now = $proxy->metrics; return join ' ', map { $now->{qq(dynproxy_routes{state="$_"})} } qw(active static maintenance stale) }
is $proxy->ctl('add', $_, '.*', $backend->url(0)), 0, "$_, by an operator" for qw(gamma delta);
is states(), '3 2 0 0', 'which are static';
is $proxy->ctl('maintenance', 'on', $_), 0, "$_ is in maintenance" for qw(beta gamma nobody);
is states(), '2 1 2 0', 'so are its routes, whoever entered them';
is $proxy->ctl('maintenance', 'on'), 0, 'all of it is';
is states(), '0 0 5 0', 'and so are all routes';
is $proxy->ctl('maintenance', 'off', @$_), 0, 'no more' for [], ['beta'], ['gamma'], ['nobody'];
is states(), '3 2 0 0', 'then they are what they were';
cmp_ok $after->{dynproxy_route_propagation_seconds_count}, '>=', 5, 'each change has a time until it is gone by';
my $connects = sum_of($after, qr/^dynproxy_backend_connections_total/);
cmp_ok $connects, '>=', 3, 'connections to backends';
is $after->{'dynproxy_backend_connect_duration_seconds_count'}, $connects - 7, 'of which those that were made have a time';

# in the log, by the same words
my %logged;
for (lines()) {
    my $line = decode_json($_);
    $logged{ $line->{reason} }++ if $line->{reason} && $line->{origin} eq 'proxy';
}
delete $logged{'-'};
for my $reason (sort keys %logged) {
    is sum_of($after, qr/_errors_total\{.*reason="\Q$reason\E"/), $logged{$reason}, "$reason: as often as in the log";
}

my ($max) = DynProxy::slurp("$DynProxy::ROOT/conf/dynproxy.conf") =~ /^#connections_max = (\d+)/m;

# each process, and what the kernel says of it
my %pid = (master => $proxy->{pid}, registrar => $proxy->registrar_pid, logger => ($proxy->pids('logger'))[0]);
my $used;
# they are looked at now and then, for the first time maybe while one begins
sub memory_is_told { my ($role) = @_; my $told = $used->{qq(process_resident_memory_bytes{role="$role"})}; return $told && abs($told - 1024 * memory_kb($pid{$role})) < 8 << 20 }
ok eventually(sub { $used = $proxy->metrics; 3 == grep { memory_is_told($_) } keys %pid }, 20), 'the processes were looked at: their memory';
for my $role (sort keys %pid) {
    my %is = map { $_ => $used->{"process_$_" . qq({role="$role"})} // 0 } qw(cpu_seconds_total open_fds max_fds start_time_seconds);
    cmp_ok abs($is{start_time_seconds} - $^T), '<', 30, "$role: when it was started";
    cmp_ok $is{max_fds}, '>=', $is{open_fds}, '  how many it may have';
    cmp_ok $is{open_fds}, '>', 3, '  its descriptors';
    cmp_ok $is{cpu_seconds_total}, '>', 0, '  its time';
}
is scalar(grep { /^process_resident_memory_bytes\{role="worker",worker="\d+"\}$/ } keys %$used), 2, 'and each worker';

ok eventually(sub {
    $used = $proxy->metrics;
    my $limit = 0;
    for my $worker (grep { /^process_max_fds\{role="worker"/ } keys %$used) {
        my $clients = 3 * int($used->{$worker} / 5);
        $limit += $clients < $max ? $clients : $max;
    }
    $limit > 0 && $used->{dynproxy_connections_limit} == $limit;
}, 20), 'what the workers may have is told as one number';

my ($status, $out, $err) = do {
    OwnFile::write("$scratch/metrics", $proxy->admin('/metrics')->body);
    run_command('sh', '-c', "promtool check metrics < $scratch/metrics");
};
is $status, 0, 'promtool check metrics' or diag $out, $err;
is $err, '', 'has nothing to say';

unlike $proxy->admin('/metrics')->body, qr/redis/, 'nothing of a Redis, where none is configured';
is $proxy->admin('/metrics')->header('content-type'), 'text/plain; version=0.0.4; charset=utf-8', 'the type';

# --- OpenMetrics, as Prometheus asks for it: a parser that is strict finds the same
my $open = $proxy->admin('/metrics', Accept => 'application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1');
is $open->header('content-type'), 'application/openmetrics-text; version=1.0.0; charset=utf-8', 'OpenMetrics for who prefers it';
my %series = map { $_ => 1 } keys %{ $proxy->metrics };
OwnFile::write("$scratch/openmetrics", $open->body);
($status, $out, $err) = run_command('/usr/bin/python3', '-c', <<'PYTHON', "$scratch/openmetrics");
import sys
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse
for family in parse(open(sys.argv[1]).read()):
    print("#", family.type, family.name, family.documentation)
    for s in family.samples:
        print(s.name + ("{" + ",".join('%s="%s"' % l for l in s.labels.items()) + "}" if s.labels else ""))
PYTHON
is $status, 0, 'which is whole, and what it should be' or diag $err;
my %known = map { $_ => 1 } grep { !/^#/ } split /\n/, $out;
is_deeply [sort keys %known], [sort keys %series], 'and has the same series';
like $out, qr/^# counter dynproxy_http_requests Requests answered/m, 'families of counters are called as they are there';
like $out, qr/^# histogram dynproxy_http_request_duration_seconds From/m, 'histograms';
is_deeply [sort { $a <=> $b } map { $_->body =~ /_duration_seconds_bucket\{tool="alpha",le="(\d+\.\d+)"/g } $proxy->admin('/metrics')],
    [qw(0.005 0.01 0.025 0.05 0.1 0.25 0.5 1.0 2.5 5.0 10.0 30.0 60.0)], 'their bounds are numbers with a point, in both';
like $proxy->admin('/metrics', Accept => 'text/plain;version=0.0.4;q=1,*/*;q=0.1')->body, qr/^# TYPE dynproxy_http_requests_total counter$/m, 'who prefers text gets text';
done_testing;

package OwnFile;
sub write { my ($path, $text) = @_; open my $fh, '>', $path or die $!; print $fh $text; close $fh }
