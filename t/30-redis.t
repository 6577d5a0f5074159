# What others write to Redis is served, in the original's layout, within 100 ms
# (1-registration.md 1.3).
use FindBin;
use lib "$FindBin::Bin/lib";
use DynProxy;
use RedisServer;
use List::Util qw(min);
use Time::HiRes qw(time);

my $redis = RedisServer->new;
my $proxy = DynProxy->new(
    workers => 2,
    tools   => ['alpha'],
    conf    => { redis => '"' . $redis->addr . '"' },
);
my $backend = $proxy->backend(count => 2);

# Seconds from the end of a command to the answer that shows it.
sub delay_of {
    my ($shows, @words) = @_;
    my $reply = $redis->cli(@words);
    my $written = time;
    ok eventually($shows), "@words[0, 1]: $reply";
    return time - $written;
}

sub body { $proxy->get('beta', '/')->body }

ok eventually(sub { ($proxy->ctl_json('status') // {})->{registrar} }), 'the registrar answers';
my $first = sprintf "backend %d\n", $backend->port(0);
my $other = sprintf "backend %d\n", $backend->port(1);
# The promise is ours, not that of a machine on which other tests run as well:
# each change has to come through, and the quickest of five within 100 ms, or of
# as many as it takes until there was a quiet moment.
my @delays;
for my $round (1 .. 50) {
    push @{ $delays[0] }, delay_of(sub { body() eq $first }, 'hset', 'prefix:beta', '.*', $backend->url(0));
    push @{ $delays[1] }, delay_of(sub { body() eq $other }, 'hset', 'prefix:beta', '.*', $backend->url(1));
    push @{ $delays[2] }, delay_of(sub { $proxy->get('beta', '/')->status != 200 }, 'hdel', 'prefix:beta', '.*');
    last if $round >= 5 && !grep { min(@$_) >= 0.1 } @delays;
}
cmp_ok min(@{ $delays[0] }), '<', 0.1, 'a route written by hand is served within 100 ms';
cmp_ok min(@{ $delays[1] }), '<', 0.1, 'so is one that replaces it';
cmp_ok min(@{ $delays[2] }), '<', 0.1, 'hdel removes it';
note join ' ', map { sprintf '%.0f', 1000 * $_ } sort { $a <=> $b } map { @$_ } @delays;

# Malformed entries harm nobody else.
is $proxy->register('alpha', '.*', $backend->url(0)), 'ok', 'our own route';
$redis->cli('set',  'prefix:gamma', 'a string');
$redis->cli('hset', 'prefix:delta', '.*', 'gopher://nowhere', '(', $backend->url(0));
$redis->cli('hset', 'prefix:' . 'x' x 5000, '.*', $backend->url(0));
$redis->cli('hset', 'prefix:beta', '(', $backend->url(0), '.*', $backend->url(0));
$redis->cli('hset', 'prefix:epsilon', '.*', "http://169.254.169.254:8000", '/ssh/.*', 'http://127.0.0.1:22');
ok eventually(sub { body() eq $first }), 'a good route beside a malformed one is served';
is $proxy->get('alpha', '/')->body, $first, 'ours is not touched';
isnt $proxy->get($_, '/')->status, 200, "$_: nonsense is not served" for qw(gamma delta epsilon);
isnt $proxy->ctl('list', 'epsilon'), 0, 'a destination that no tool may have is no route';
is $redis->cli('get', 'prefix:gamma'), 'a string', 'and left where it is';

is $proxy->unregister('alpha', '.*'), 'ok', 'unregister';
is $redis->cli('exists', 'prefix:alpha'), 0, 'reaches Redis before the answer';

done_testing;
