# A worker that has no descriptors left for 2,000 clients does not spin, serves
# those whom it has, and takes others as soon as some have gone (7-security.md
# 7.5).
use FindBin;
use lib "$FindBin::Bin/lib";
use DynProxy;
use POSIX qw(sysconf _SC_CLK_TCK);
use Time::HiRes qw(time);

my $proxy = DynProxy->new(tools => ['alpha'], wrapper => ['prlimit', '--nofile=256:256'],
    conf => { keepalive_timeout => '5m' });
my $backend = $proxy->backend;
is $proxy->register('alpha', '.*', $backend->url), 'ok', 'a tool';
my ($worker) = $proxy->worker_pids;
is +(split ' ', (grep { /^Max open files/ } split /^/, DynProxy::slurp("/proc/$worker/limits"))[0])[3], 256,
    'a worker has 256 descriptors';

# Ticks of processor time that it has used.
sub ticks {
    my @stat = split ' ', DynProxy::slurp("/proc/$worker/stat") =~ s/.*\) //sr;
    return $stat[11] + $stat[12];
}

my $kept = $proxy->connect;
sub ask {
    $kept->syswrite("GET /.well-known/healthz HTTP/1.1\r\nHost: alpha.example.test\r\n\r\n");
    return $kept->sysread(my $answer, 65536);
}
ok ask(), 'one who was here first';

my @crowd = map { my $socket = $proxy->connect; $socket // () } 1 .. 2000;
ok eventually(sub { $proxy->connections_of($worker) > 100 }), 'some of 2,000 are accepted';
my $before = $proxy->connections_of($worker);
my ($used, $since) = (ticks(), time);
eventually(sub { time > $since + 3 });
my $share = 100 * (ticks() - $used) / sysconf(_SC_CLK_TCK) / (time - $since);
cmp_ok $share, '<=', 25, sprintf 'the others wait, and it rests: %.1f %% of a processor', $share;
ok ask(), 'who was here first is served';

@crowd = ();
my $released = time;
ok eventually(sub { my $answer = $proxy->get('alpha', '/'); $answer->status == 200 }), 'they leave: others are served';
note sprintf 'after %.2f s', time - $released;
is +($proxy->worker_pids)[0], $worker, 'by the same worker';
done_testing;
