# Redis that suddenly lacks many routes of others, more than 50 and more than 20 %,
# is not believed, until an operator says so or it still lacks them a minute later;
# a few are (1-registration.md 1.3).
use FindBin;
use lib "$FindBin::Bin/lib";
use DynProxy;
use RedisServer;
use Time::HiRes qw(time);

my $redis = RedisServer->new;
my $proxy = DynProxy->new(
    tools  => ['alpha'],
    conf   => { redis => '"' . $redis->addr . '"' },
    expect => qr/redis-held|redis-lost/,
);
my $backend = $proxy->backend;
sub routes   { scalar @{ $proxy->ctl_json('list') // [] } }
ok eventually(sub { $proxy->redis_status->{connected} }), 'connected';
is $proxy->register('alpha', '.*', $backend->url), 'ok', 'one route of ours';
sub others {
    my (@numbers) = @_;
    open my $pipe, '|-', "redis-cli -p $redis->{port} --pipe >/dev/null" or die "redis-cli: $!";
    print $pipe "HSET prefix:tool-$_ .* ", $backend->url, "\r\n" for @numbers;
    close $pipe;
}
sub remove { my (@numbers) = @_; $redis->cli('del', map { "prefix:tool-$_" } @numbers) }
sub held { $proxy->redis_status->{held} }
others(1 .. 100);
ok eventually(sub { routes() == 101 }), 'a hundred of others';

# What happens to Redis while we are away.
sub while_away {
    my ($change) = @_;
    $proxy->stop;
    $change->();
    $proxy->start;
    ok eventually(sub { $proxy->redis_status->{synced} }), 'we come back';
}

while_away(sub { remove(1 .. 10) });
ok eventually(sub { routes() == 91 }), 'ten were removed: believed';
isnt $proxy->ctl('believe'), 0, 'nothing is held: there is nothing to say';
while_away(sub { remove(11 .. 60) });
ok eventually(sub { routes() == 41 }), 'fifty of 91: believed, they are not more than that';
others(101 .. 460);
ok eventually(sub { routes() == 401 }), 'four hundred';
while_away(sub { remove(101 .. 180) });
ok eventually(sub { routes() == 321 }), 'eighty were removed: believed, they are a fifth';

while_away(sub { remove(181 .. 250) });
ok eventually(sub { held() == 70 }), 'seventy of these: held';
is routes(), 321, 'all are there';
is $proxy->get('tool-200', '/')->status, 200, 'and served';
like $proxy->log, qr/<1>.*redis-held/, 'an alert says so';
is $proxy->ctl('believe'), 0, 'the operator says that it is right';
ok eventually(sub { routes() == 251 }), 'now they go';
ok eventually(sub { held() == 0 }), 'nothing is held any more';
is $proxy->get('alpha', '/')->status, 200, 'ours was never in question';
is $redis->cli('hget', 'prefix:alpha', '.*'), $backend->url, 'and is in Redis';

# A word is on what was held when it was said, not on what comes after.
others(500 .. 1100);
ok eventually(sub { routes() == 852 }), 'six hundred more';
while_away(sub { remove(500 .. 700) });
ok eventually(sub { held() == 201 }), 'two hundred are held';
sub redis { $redis->cli(@_) }
redis('config', 'set', 'requirepass', 'other');
kill 'STOP', $redis->{pid};
is $proxy->ctl('believe'), 0, 'believed';
ok eventually(sub { !$proxy->redis_status->{connected} }), '  but Redis goes away before that was done';
kill 'CONT', $redis->{pid};
redis('-a', 'other', '--no-auth-warning', 'del', map { "prefix:tool-$_" } 701 .. 1000);
redis('-a', 'other', '--no-auth-warning', 'config', 'set', 'requirepass', '');
ok eventually(sub { $proxy->redis_status->{connected} && held() == 501 }), '  and comes back with three hundred less: held';
is routes(), 852, '  all are there';
is $proxy->ctl('believe'), 0, '  until the operator says so again';
ok eventually(sub { routes() == 351 }), '  and they go';
remove(1001 .. 1100);
ok eventually(sub { routes() == 251 }), 'what goes while we are here is a wish';

my $since;
while_away(sub { remove(251 .. 310); $since = time });
ok eventually(sub { held() == 60 }), 'sixty more: held';
is routes(), 251, 'all are there';
ok eventually(sub { select undef, undef, undef, 0.5; routes() == 191 }, 150), 'nobody says anything, and Redis lacks them a minute later: they go';
cmp_ok time - $since, '>=', 60, 'not before';
is held(), 0, 'nothing is held any more';

done_testing;
