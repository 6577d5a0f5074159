# A Redis that is silent, lies, floods or refuses costs nobody a registration,
# nor memory; when a good one is in its place, it gets what was registered
# (1-registration.md 1.3, 7-security.md).
use FindBin;
use lib "$FindBin::Bin/lib";
use DynProxy;
use FakeRedis;
use File::Temp;
use RedisServer;
use Time::HiRes qw(time);

my $flood = 'x' x 16384;
my $old = sprintf '%016x', (time - 86400) * 65536000;
my $registered = File::Temp->new;    # a byte, when one has
# it waits for that as long as the proxy waits for it (1 s), or nearly
sub after_it { eventually(sub { -s "$registered" }, 0.7); return "+PONG\r\n" }
my $silent = 0;
my @cases = (
    # what, what it says, in the log, does it count as connected?
    ['it accepts and never answers', [silent => 1], qr/no answer within/, 0],
    ['it sends garbage', [greet => "\xff\x00garbage\n\n"], qr/redis-lost/, 0],
    ['a reply that nobody asked for', [greet => "+OK\r\n"], qr/redis-lost/, 0],
    ['a length of 1 GiB', [PING => ["\$1073741824\r\n", $flood]], qr/TOOLARGE/, 0],
    ['an array of 10^9', [PING => "*1000000000\r\n"], qr/TOOLARGE|redis-lost/, 0],
    ['a line without an end', [PING => ['+', $flood]], qr/TOOLARGE/, 0],
    ['arrays in arrays', [PING => ["*1\r\n" x 1000, "*1\r\n" x 1000]], qr/redis-lost/, 0],
    ['an INFO of 1 GiB', [INFO => ["\$1073741824\r\n", $flood]], qr/TOOLARGE/, 0],
    ['-LOADING', [any => "-LOADING Redis is loading the dataset in memory\r\n"], qr/redis-lost.*LOADING/, 0],
    ['-NOAUTH', [any => "-NOAUTH Authentication required.\r\n"], qr/redis-lost.*NOAUTH/, 0],
    ['-NOAUTH when it was silent', [PING => sub { $silent++ ? "-NOAUTH Authentication required.\r\n" : sleep 2 }], qr/redis-lost.*NOAUTH/, 0],
    ['it is a replica', [ROLE => "*5\r\n\$5\r\nslave\r\n\$1\r\na\r\n:1\r\n\$4\r\nsync\r\n:0\r\n"], qr/not the primary/, 0],
    ['-READONLY', [EVALSHA => "-READONLY You can't write against a read only replica.\r\n"], qr/READONLY/, 0],
    ['-MISCONF', [EVALSHA => "-MISCONF Errors writing to the AOF file\r\n"], qr/redis-unsaved.*MISCONF/, 1],
    ['-MISCONF when one has registered', [PING => \&after_it, EVALSHA => "-MISCONF Errors writing to the AOF file\r\n"], qr/redis-unsaved.*MISCONF/, undef],
    ['-OOM', [EVALSHA => "-OOM command not allowed\r\n"], qr/redis-unsaved.*OOM/, 1],
    ['-NOSCRIPT for ever', [EVALSHA => "-NOSCRIPT No matching script.\r\n"], qr/redis-unsaved/, 1],
    ['it always has a newer version', [EVALSHA => "\$16\r\n$old\r\n"], qr/redis-unsaved/, 1],
    ['a newer version that cannot be', [EVALSHA => "\$16\r\nffffffffffff0000\r\n"], qr/redis-unsaved/, 1],
    ['an answer of another type', [EVALSHA => "*0\r\n"], qr/redis-unsaved/, 1],
    ['SCAN without an end', [SCAN => "*2\r\n\$1\r\n7\r\n*0\r\n"], qr/redis-connected/, 1],
    ['no EXEC', [EXEC => "*2\r\n:0\r\n:0\r\n"], qr/redis-connected/, undef],
);


for my $case (@cases) {
    my ($what, $says, $logged, $connected) = @$case;
    truncate $registered, 0;
    my $fake  = FakeRedis->new(@$says);
    my $proxy = DynProxy->new(
        tools  => ['alpha'],
        conf   => { redis => '"' . $fake->addr . '"' },
        expect => qr/redis-lost|redis-loss|redis-pass-failed/,
    );
    my $backend = $proxy->backend;
    my $registrar = eventually(sub { $proxy->registrar_pid });
    my $before    = memory_kb($registrar);
    eventually(sub { $proxy->redis_status->{connected} }, 2) if $connected;
    my $began = time;
    is $proxy->register('alpha', '.*', $backend->url), 'ok', "$what: a registration is taken";
    syswrite $registered, 'x';
    cmp_ok time - $began, '<', 15, 'within the time that the stores have (2 s)';
    is $proxy->get('alpha', '/')->status, 200, 'and served';
    ok eventually(sub { $proxy->log =~ $logged }), 'the log says what is wrong' or diag $proxy->log;
    ok !$proxy->redis_status->{connected}, 'so does status' if defined $connected && !$connected && $what ne '-READONLY';
    is $proxy->register('alpha', '.*', $backend->url), 'ok', 'and so is another one';
    cmp_ok memory_kb($registrar) - $before, '<', 65536, 'which takes no more memory than a reply may';
    is $proxy->registrar_pid, $registrar, 'it is still the same registrar';
    $fake->stop;
    my $redis = RedisServer->new(port => $fake->{port});
    ok eventually(sub { $redis->cli('hget', 'prefix:alpha', '.*') eq $backend->url }, 15), 'a good Redis in its place gets it' or diag $proxy->log;
    cmp_ok $redis->cli('hget', 'dynproxy:route:alpha', '.*'), 'lt', sprintf('%016x', (time + 3600) * 65536000), 'with a version that others believe';
    $proxy->stop;
}

done_testing;
