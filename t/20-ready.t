# /readyz says whether this node should get requests, and ?verbose how it is,
# so that nodes can be compared; 503 with the reason otherwise (4-operations.md
# 4.3, 4.4).
use FindBin;
use lib "$FindBin::Bin/lib";
use DynProxy;
use JSON::PP;
use Socket qw(SOL_SOCKET SO_LINGER);

my $proxy = DynProxy->new(workers => 2, tools => [qw(alpha beta)], tls => ['*.example.test'], conf => { https_redirect => '"off"', drain_timeout => '1m' }, expect => qr/killed|died/);
my $backend = $proxy->backend;
my $ready = sub { $proxy->admin('/readyz?verbose') };
my $told = sub { decode_json($ready->()->body) };

is $proxy->admin('/readyz')->status, 200, 'ready';
my $first = $told->();
is $ready->()->header('content-type'), 'application/json', 'JSON';
ok $first->{ready} && !$first->{draining}, 'it says so';
is $first->{reason}, undef, 'without a reason why not';
is $first->{workers}, 2, 'workers';
is $first->{default_backend_reachable}, undef, 'no default backend';
is $first->{stores}{redis}, undef, 'no Redis';
is $first->{certificates}[0]{name}, 'first', 'the certificate';
cmp_ok $first->{certificates}[0]{days}, '>', 0, 'which is valid';

# the checksum is that of the routes, in whatever order they came
my $sum = sub { $told->()->{table}{checksum} };
my $empty = $sum->();
is $proxy->register('alpha', '.*', $backend->url), 'ok', 'a route';
my $one = $sum->();
isnt $one, $empty, 'another checksum';
is $proxy->register('beta', '.*', $backend->url), 'ok', 'two';
my $two = $sum->();
cmp_ok $told->()->{table}{generation}, '>', $first->{table}{generation}, 'and generation';
is $proxy->unregister('alpha', '.*'), 'ok', 'the first goes';
isnt $sum->(), $one, 'only the other is there';
is $proxy->unregister('beta', '.*'), 'ok', 'and goes';
is $sum->(), $empty, 'none: the first checksum';
is $proxy->register('beta', '.*', $backend->url), 'ok', 'in another order';
is $proxy->register('alpha', '.*', $backend->url), 'ok', 'both';
is $sum->(), $two, 'the same checksum';
kill 'KILL', $proxy->registrar_pid;
ok eventually(sub { my $r = $proxy->admin('/readyz'); $r && $r->status == 200 }), 'a new registrar';
is $sum->(), $two, 'finds the same';

# what the master knows is told as it happens
my ($victim) = $proxy->worker_pids;
kill 'KILL', $victim;
ok eventually(sub { $proxy->admin('/metrics')->body =~ /^dynproxy_worker_restarts_total\{reason="died"\} 1$/m }), 'a worker was replaced';
ok eventually(sub { $told->()->{workers} == 2 }), 'and is ready';
my $text = $proxy->admin('/metrics')->body;
like $text, qr/^dynproxy_workers\{state="ready"\} 2$/m, 'in the metrics, too';
like $text, qr/^dynproxy_tls_certificate_not_after_timestamp_seconds\{zone="example\.test",type="ecdsa"\} \d{10}$/m, 'and the certificate';
like $text, qr/^dynproxy_registrations_total\{verb="register",result="ok"\} \d+$/m, 'and registrations';

# a request that takes its time keeps a draining proxy from ending
my $slow = $proxy->connect;
print $slow "GET /slow/60000 HTTP/1.1\r\nHost: " . $proxy->host('alpha') . "\r\n\r\n";
ok eventually(sub { $proxy->admin('/metrics')->body =~ /^dynproxy_http_requests_in_flight\{tool="alpha"\} 1$/m }), 'a request is under way';
kill 'QUIT', $proxy->{pid};
ok eventually(sub { $proxy->log =~ /^<\d>.* draining/m }), 'it drains';
my $last;
ok eventually(sub { $last = $ready->(); $last && $last->status == 503 }), 'and says so when asked';
is eval { decode_json($last->body)->{reason} }, 'draining', 'and why';
setsockopt $slow, SOL_SOCKET, SO_LINGER, pack 'ii', 1, 0;    # or it is waited for
close $slow;
done_testing;
