# Thousands of names that only Redis has are read, many at a time, published and
# then kept in SQLite; one that is too large to be read harms no other
# (1-registration.md 1.3).
use FindBin;
use lib "$FindBin::Bin/lib";
use DynProxy;
use RedisServer;

my $NAMES = 5_000;
my $redis = RedisServer->new;
my $url   = 'http://127.0.0.1:8000';
open my $pipe, '|-', "redis-cli -p $redis->{port} --pipe >/dev/null" or die "redis-cli: $!";
printf $pipe "HSET prefix:tool-%06d .* %s\r\nHSET redirect:tool-%06d .* x\r\n", $_, $url, $_ for 1 .. $NAMES;
print $pipe "SADD frontend:www.example.org $url\r\n";
ok close $pipe, "Redis has $NAMES tools and a frontend";
$redis->cli('eval', q{for i = 1, 60 do redis.call('hset', 'prefix:giant', '/' .. i, string.rep('x', 100000)) end}, 0);

my $proxy = DynProxy->new(
    conf   => { redis => '"' . $redis->addr . '"', log_priority => 'warning' },
    expect => qr/redis-lost|redis-refused/,
);
sub status { ($proxy->ctl_json('status') // {})->{registrar} // {} }
sub rows { run_command('sqlite3', '-readonly', "$proxy->{dir}/state/routes.sqlite", "select count(*) from $_[0]") }

ok eventually(sub { (status()->{names} // 0) == $NAMES + 1 }, 30), 'all are in the book' or diag explain status();
is status()->{table}{names}, $NAMES + 1, 'and in the table';
ok eventually(sub { $proxy->log =~ /redis-refused key=prefix:giant .*too large/ }), 'but for the one that is too large';
ok eventually(sub { (rows('route'))[1] == $NAMES + 1 }, 30), 'SQLite gets them';
ok eventually(sub { (rows('canonical'))[1] == $NAMES }), 'and which of them are canonical';

$redis->kill_hard;
$proxy->stop;
$proxy->start;
is status()->{names}, $NAMES + 1, 'so that they are there when Redis is not';

done_testing;
