# A client that floods is cut off in time, before it costs memory or reaches a
# backend; others are served meanwhile (7-security.md 7.5).
use FindBin;
use lib "$FindBin::Bin/lib";
use DynProxy;
use IO::Handle;
use IPC::Open2;
use JSON::PP;

my $CALM = 11;    # ENHANCE_YOUR_CALM

my $proxy = DynProxy->new(tools => ['alpha'], tls => ["*.$DynProxy::DOMAIN"],
    conf => { rate_limit => 100, rate_burst => 100, send_timeout => '2s', request_head_timeout => '2s' });
my $pid = open2(my $said, my $say, "$FindBin::Bin/h2_floods.py");
$say->autoflush(1);
my ($port, @floods) = split ' ', scalar <$said>;
is $proxy->register('alpha', '.*', "http://127.0.0.1:$port"), 'ok', 'a backend that counts';
my ($worker) = $proxy->worker_pids;

cmp_ok scalar @floods, '>=', 20, 'floods of all kinds';
for my $name (@floods) {
    print $say "$name $proxy->{https_port} $worker 0\n";
    my $got = decode_json(scalar <$said>);
    cmp_ok $got->{grown_kib}, '<', 64 * 1024, "$name: memory grows by $got->{grown_kib} KiB";
    cmp_ok $got->{requests}, '<=', 200, "the backend sees $got->{requests} requests";
    if ($got->{codes}) {
        is "@{$got->{codes}}", $CALM, "told to calm down, after $got->{frames} frames, $got->{bytes} bytes, $got->{slowest} s";
    } else {
        ok $got->{closed} || $got->{resets} == 90, "not for ever: $got->{slowest} s";
    }
    my (undef, $answer) = $proxy->curl('alpha', '/');
    is $answer, 'ok', 'others are served';
}
like $proxy->log, qr/h2-flood kind=\S+ client=127\.0\.0\.2 count=1 slowest_us=\d+$/m, 'the log tells of it';
my %counted = $proxy->admin('/metrics')->body =~ /^dynproxy_h2_floods_total\{kind="([^"]+)"\} (\d+)$/mg;
is_deeply \%counted, { 'reset' => 1, 'provoked-reset' => 1, 'continuation' => 2, 'ping' => 3, 'settings' => 2,
    'priority' => 2, 'empty-data' => 2, 'window-update' => 3, 'dribble' => 1, 'unknown-frame' => 1, 'header-list' => 1,
    'queue' => 0 }, 'and each is counted';

# --- who comes again only to flood: 8 of 10 handshakes, then twice as many more
$proxy->stop;
$proxy = DynProxy->new(tls => ["*.$DynProxy::DOMAIN"], conf => { tls_handshake_rate => 1, tls_handshake_burst => 10 });
print $say "again $proxy->{https_port} 0 0\n";
my $got = decode_json(scalar <$said>);
is $got->{cut}, 8, 'eight connections are cut off';
ok $got->{refused}, 'there is no ninth for a while, but for others';
close $say;
waitpid $pid, 0;
done_testing;
