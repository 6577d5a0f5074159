# The table grows from 16 entries to 131,072 under load, and nobody notices: no
# request fails, and no slice takes a millisecond.  `make soak-growth` goes on to
# a million tools.
use FindBin;
use lib "$FindBin::Bin/lib";
use DynProxy;
use RedisServer;

my $NAMES = $ENV{GROWTH_NAMES} // 50_000;

my $redis = RedisServer->new;
my $proxy = DynProxy->new(
    workers => 2,
    tools   => ['alpha'],
    conf    => { redis => '"' . $redis->addr . '"', log_priority => 'warning' },
);
my $backend = $proxy->backend;
is $proxy->register('alpha', '.*', $backend->url), 'ok', 'a tool that is asked all the time';

sub table { (($proxy->ctl_json('status') // {})->{registrar} // {})->{table} }
is table()->{entries}, 16, 'the table is as small as it can be';

# 64 connections, until told to end
my $out = "$proxy->{dir}/wrk";
my $wrk = fork // die "fork: $!";
if (!$wrk) {
    open STDOUT, '>', $out;
    open STDERR, '>&', \*STDOUT;
    exec 'wrk', '-t2', '-c64', '-d3600', '--timeout', '20', '-H', 'Host: ' . $proxy->host('alpha'),
        "http://127.0.0.1:$proxy->{http_port}/" or POSIX::_exit(127);
}

open my $pipe, '|-', "redis-cli -p $redis->{port} --pipe >$redis->{dir}/filled" or die "redis-cli: $!";
printf $pipe "HSET prefix:tool-%06d .* %s\r\n", $_, $backend->url for 0 .. $NAMES - 1;
ok close $pipe, "$NAMES tools come in by Redis";

ok eventually(sub { (table() // {})->{names} > $NAMES }, 600), 'all are in the table';
kill 'INT', $wrk;
waitpid $wrk, 0;
my $said = DynProxy::slurp($out);
like $said, qr/(\d+) requests in/, 'requests were answered meanwhile';
unlike $said, qr/Non-2xx|Socket errors/, 'and none failed' or diag $said;

my $table = table();
cmp_ok $table->{entries}, '>', $NAMES, 'the directory grew';
diag "entries=$table->{entries} slices=$table->{slices} slice_max_us=$table->{slice_max_us}";
cmp_ok $table->{slice_max_us}, '<=', 1000, 'no slice took a millisecond'
    if $NAMES >= 1_000_000;    # not a timed test in make check
is $proxy->get(sprintf('tool-%06d', $_ * $NAMES / 8), '/')->status, 200, 'one of them is found' for 0 .. 7;

done_testing;
