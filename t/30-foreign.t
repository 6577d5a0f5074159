# What others write into Redis is looked at entry by entry: what is malformed, not
# allowed or too much is refused, counted, told once, and harms no other entry of
# its name, nor another name; read as it comes or all at once it is the same
# (1-registration.md 1.3).
use FindBin;
use lib "$FindBin::Bin/lib";
use DynProxy;
use JSON::PP;
use RedisServer;

my $redis = RedisServer->new;
my $good  = 'http://127.0.0.1:8000';
sub node {
    my ($name) = @_;
    return DynProxy->new(tools => ['alpha'], conf => { redis => '"' . $redis->addr . '"', node_name => $name, backend_denied => '{ "10.9.0.0/16" }' }, expect => qr/redis-lost/);
}
my $one = node('one');
sub refused  { my ($node) = @_; $node->ctl_json('status')->{registrar}{redis}{refused} // 0 }
sub routes   { my ($node) = @_; my %of; push @{ $of{ $_->{tool} } }, $_->{pattern} for @{ $node->ctl_json('list') // [] }; return { map { $_ => join ' ', sort @{ $of{$_} } } keys %of } }
is $one->register('alpha', '.*', $good), 'ok', 'a tool';

# Each beside an entry that is as it should be.
my @entries = (
    (map { ["the destination \"$_\"", ['/bad', $_]] } '', 'here', 'gopher://127.0.0.1:8000', 'http://localhost:8000', 'http://127.0.0.1', 'http://127.0.0.1:22', 'http://127.0.0.1:65536',
        'http://0177.0.0.1:8000', 'http://a:b@127.0.0.1:8000', 'http://127.0.0.1:8000/path', "$good\n$good", "$good $good", 'http://169.254.169.254:8000', 'http://224.0.0.1:8000',
        'http://0.0.0.0:8000', 'http://[::ffff:127.0.0.1]:8000', 'http://10.9.1.1:8000', 'x' x 5000),
    (map { ["the route \"$_\"", [$_, $good]] } '(', '[', '', "/a\n", "/a\tb", "/\e[2J", '/' . 'x' x 1024, '(a*)*b('),
);
my %want = (alpha => '.*');
for my $n (0 .. $#entries) {
    $redis->cli('hset', "prefix:t$n", '/good', $good, $entries[$n][1]->@*);
    $want{"t$n"} = '/good';
}
sub agrees { my ($node) = @_; return eventually(sub { my $has = routes($node); keys %$has == keys %want && !grep { ($has->{$_} // '') ne $want{$_} } keys %want }, 30) }
ok agrees($one), scalar(@entries) . ' names, each with a bad entry: the good ones are there, and nothing else' or diag explain routes($one);
cmp_ok refused($one), '>=', @entries, 'the others are counted';
# Two names may have the same place among those that were told: then the first is.
my %told;
$told{$_}++ for $one->log =~ /redis-refused key=prefix:(t\d+) /g;
cmp_ok scalar(keys %told), '>', @entries - 6, 'the log tells of them';
is_deeply [grep { $told{$_} > 1 } keys %told], [], 'once of each';

# Too much, of another type, or nobody's.
$redis->cli('eval', 'for i = 1, 300 do redis.call("hset", KEYS[1], string.format("/%03d", i), ARGV[1]) end', 1, 'prefix:many', $good);
$redis->cli('hset', 'prefix:regexes', map { ("/[$_]", $good) } 1 .. 9);
$redis->cli(@$_) for ['set', 'prefix:text', 'x'], ['sadd', 'prefix:set', $good], ['rpush', 'prefix:list', $good], ['sadd', 'prefix:t0', $good], ['set', 'redirect:t0', 'x'],
    ['hset', 'dynproxy:route:t1', '/good', 'nonsense'], ['hset', 'dynproxy:route:t2', '/good', 'f' x 16 . ' 1 http://10.0.0.9:8000'], ['set', 'dynproxy:route:t3', 'x'],
    ['hset', 'dynproxy:route:t4', '/bad', 'x' x 100000];
$redis->cli('hset', "prefix:$_", '.*', $good) for '', 'UPPER', 'a b', '../x', 'a:b', '-a', 'x' x 64, "a\nb", "\xc3\xa4";
$redis->cli('hset', 'frontend:www.example.org', '.*', $good);
$redis->cli('sadd', "frontend:$_", $good) for '', 'UPPER.org', 'a b', '*', '..', 'x' x 300;
$redis->cli('sadd', 'frontend:bad.example.org', 'here', 'http://169.254.169.254:8000');
$redis->cli('hset', 'prefix:last', '.*', $good);
$want{last} = '.*';
ok eventually(sub { my $has = routes($one); ($has->{last} // '') eq '.*' }), 'what comes behind all that is there';
ok eventually(sub { (() = (routes($one)->{many} // '') =~ m{/}g) == 256 }), 'of three hundred routes there are as many as a name may have';
ok eventually(sub { (() = (routes($one)->{regexes} // '') =~ m{/}g) == 8 }), 'of nine regular expressions eight';
my %also = map { $_ => routes($one)->{$_} } qw(many regexes);
@want{keys %also} = values %also;
ok agrees($one), 'nothing else has come of it' or diag explain routes($one);
is $one->register('alpha', '/more', $good), 'ok', 'registrations do not notice';
$want{alpha} = '.* /more';

my $two = node('two');
ok agrees($two), 'who reads all of it at once has the same' or diag explain routes($two);
is $redis->cli('get', 'prefix:text'), 'x', 'what is refused is left where it is';

done_testing;
