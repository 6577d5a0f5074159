# An idle HTTP/2 connection gives its buffers back: it takes no more than
# 24 KiB, TLS included.  CONNECTIONS=5000 for more of them.
use FindBin;
use lib "$FindBin::Bin/lib";
use DynProxy;
use IPC::Open2;

my $COUNT = $ENV{CONNECTIONS} // 1000;
my $proxy = DynProxy->new(tools => ['alpha'], tls => ["*.$DynProxy::DOMAIN"], conf => { keepalive_timeout => '5m' });
my $backend = $proxy->backend(text => 'x' x 2000);
is $proxy->register('alpha', '.*', $backend->url), 'ok', 'a tool';
my ($pid) = $proxy->worker_pids;

my $MEASURED = $DynProxy::BUILD !~ /address|thread/;    # a sanitizer's is not the worker's

# Of the process alone; what others share is not the connections'.
sub memory_kib { my ($n) = DynProxy::slurp("/proc/$pid/smaps_rollup") =~ /^Pss_Anon:\s+(\d+)/m; $n }

$proxy->curl('alpha', '/', '--http2') for 1 .. 20;
my $before = memory_kib();
my $idle = open2(my $said, my $keep, "$FindBin::Bin/h2_idle.py", $proxy->{https_port}, $COUNT);
is scalar <$said>, "there\n", "$COUNT connections, each with a response";
my ($most, $each) = ($MEASURED ? 24 : 1000);
eventually(sub { $each = (memory_kib() - $before) / $COUNT; $each < $most });
cmp_ok $each, '<', $most, sprintf 'each takes %.1f KiB', $each;
close $keep;
waitpid $idle, 0;
ok eventually(sub { (run_command('ss', '-Htn', 'state', 'established', "sport = :$proxy->{https_port}"))[1] eq '' }), 'and they go';
done_testing;
