# What routes.sqlite says and cannot be, as bytes of it were changed, is left out
# and told, and harms nothing of the rest.
use FindBin;
use lib "$FindBin::Bin/lib";
use DynProxy;
use RedisServer;

my $redis = RedisServer->new;
my $proxy = DynProxy->new(tools => ['alpha'], conf => { redis => '"' . $redis->addr . '"' }, expect => qr/redis-lost/);
my $backend = $proxy->backend;
my $url     = $backend->url;
is $proxy->register('alpha', '.*', $url), 'ok', 'a route';
$proxy->stop;
my %bad = (
    'a long pattern' => ['tbeta', '/' . 'p' x 2000],
    'no pattern'     => ['tgamma', ''],
    'a long name'    => ['t' . 'n' x 300, '.*'],
    'no name'        => ['t', '.*'],
    'another kind'   => ['xdelta', '.*'],
    'a bad frontend' => ['f../x', '.*'],
);
my $version = 1 << 40;
for my $row (values %bad) {
    my ($key, $pattern) = @$row;
    run_command('sqlite3', "$proxy->{dir}/state/routes.sqlite", "insert into route values ('$key', '$pattern', '$url', 1, $version, 1); insert into unsaved values ('$key', '$pattern', 0, $version)");
}
$proxy->start;
ok eventually(sub { $proxy->get('alpha', '/')->status == 200 }), 'with six more in the file it is served';
is join(' ', map { "$_->{tool} $_->{pattern}" } @{ $proxy->ctl_json('list') }), 'alpha .*', 'and there is nothing else';
is scalar(() = $proxy->log =~ /route-damaged/g), 2 * keys %bad, 'each of them is told, of both tables';
ok eventually(sub { my $s = $proxy->redis_status; $s->{connected} && $s->{synced} && $s->{unsaved} == 0 }), 'Redis has nothing to be told'
    or diag explain $proxy->redis_status;
is $redis->cli('keys', '*ta*'), '', 'nor was it';
is $proxy->register('alpha', '/more', $url), 'ok', 'a route more';

done_testing;
