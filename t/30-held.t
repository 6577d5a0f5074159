# Redis that suddenly lacks many routes of others is not believed, until an
# operator says so; a few are (1-registration.md 1.3).
use FindBin;
use lib "$FindBin::Bin/lib";
use DynProxy;
use RedisServer;

my $redis = RedisServer->new;
my $proxy = DynProxy->new(
    tools  => ['alpha'],
    conf   => { redis => '"' . $redis->addr . '"' },
    expect => qr/redis-held/,
);
my $backend = $proxy->backend;
sub routes   { scalar @{ $proxy->ctl_json('list') // [] } }
ok eventually(sub { $proxy->redis_status->{connected} }), 'connected';
is $proxy->register('alpha', '.*', $backend->url), 'ok', 'one route of ours';
open my $pipe, '|-', "redis-cli -p $redis->{port} --pipe >/dev/null" or die "redis-cli: $!";
print $pipe 'HSET prefix:tool-', $_, ' .* ', $backend->url, "\r\n" for 1 .. 100;
close $pipe;
ok eventually(sub { routes() == 101 }), 'a hundred of others';

# What happens to Redis while we are away.
sub while_away {
    my ($change) = @_;
    $proxy->stop;
    $change->();
    $proxy->start;
    ok eventually(sub { $proxy->redis_status->{synced} }), 'we come back';
}

while_away(sub { $redis->cli('del', map { "prefix:tool-$_" } 1 .. 10) });
ok eventually(sub { routes() == 91 }), 'ten were removed: believed';
isnt $proxy->ctl('believe'), 0, 'nothing is held: there is nothing to say';

while_away(sub { $redis->cli('del', map { "prefix:tool-$_" } 11 .. 80) });
ok eventually(sub { $proxy->redis_status->{held} == 70 }), 'seventy were: held';
is routes(), 91, 'all are there';
is $proxy->get('tool-20', '/')->status, 200, 'and served';
like $proxy->log, qr/<1>.*redis-held/, 'an alert says so';
is $proxy->ctl('believe'), 0, 'the operator says that it is right';
ok eventually(sub { routes() == 21 }), 'now they go';
ok eventually(sub { $proxy->redis_status->{held} == 0 }), 'nothing is held any more';
is $proxy->get('alpha', '/')->status, 200, 'ours was never in question';
is $redis->cli('hget', 'prefix:alpha', '.*'), $backend->url, 'and is in Redis';

done_testing;
