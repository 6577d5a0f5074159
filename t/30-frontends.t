# A domain proxy that was written by one node may be changed and ended by
# another, or by who knows no versions: the last word holds (1-registration.md 1.3).
use FindBin;
use lib "$FindBin::Bin/lib";
use DynProxy;
use IO::Socket::UNIX;
use JSON::PP;
use RedisServer;
use Time::HiRes qw(time);

my $DOMAIN = 'www.example.org';
my $KEY    = "frontend:$DOMAIN";
my $redis  = RedisServer->new;
my @node   = map { DynProxy->new(conf => { redis => '"' . $redis->addr . '"' }, expect => qr/redis-loss|redis-lost/) } 1 .. 2;
my @url    = map { "http://192.0.2.1:800$_" } 0 .. 9;

# What the registrar answers, as dynproxy-domains asks it.
sub ask {
    my ($node, $cmd, @args) = @_;
    my $socket = IO::Socket::UNIX->new(Peer => $node->socket_path('control')) or die "control: $!";
    return decode_json(DynProxy::say_on($socket, encode_json({ v => 1, cmd => $cmd, args => \@args })));
}
sub set { my ($node, @args) = @_; return ask($node, 'frontend-set', @args)->{exit} }
sub del { my ($node, @args) = @_; return ask($node, 'frontend-del', @args)->{exit} }
sub backends { my ($node) = @_; return join ' ', sort map { @{ $_->{backends} } } @{ ask($node, 'frontends')->{data} } }
sub all_have { my ($urls) = @_; return eventually(sub { !grep { backends($_) ne $urls } @node }) && join(' ', sort split /\n/, $redis->cli('smembers', $KEY)) eq $urls }
sub there { my ($node) = @_; return $node->redis_status->{connected} && $node->redis_status->{synced} }
ok eventually(sub { there($_) }), 'a node' for @node;

is set($node[0], $DOMAIN, $url[0]), 0, 'one of them has a domain';
ok all_have($url[0]), 'and so has the other';
is set($node[1], $DOMAIN, $url[1]), 0, 'that one changes it';
ok all_have($url[1]), 'for both';
is del($node[0], $DOMAIN), 0, 'and the first one ends it';
ok all_have(''), 'for both';
is set($node[0], $DOMAIN, $url[2]), 0, 'there it is again';
ok all_have($url[2]), 'for both';
is del($node[1], $DOMAIN), 0, 'the second one ends what is the first one\'s';
ok all_have(''), 'for both';

is set($node[0], $DOMAIN, $url[3]), 0, 'another';
ok all_have($url[3]), 'for both';
$redis->cli('sadd', $KEY, $url[4]);
ok all_have("$url[3] $url[4]"), 'the original adds a backend';
$redis->cli('srem', $KEY, $url[3]);
ok all_have($url[4]), 'and takes one';
$redis->cli('del', $KEY);
ok all_have(''), 'and all';

# Two nodes that are cut off: the later word holds, whoever is back first.
for my $last (0, 1) {
    my ($first, $second) = ($node[1 - $last], $node[$last]);
    $redis->kill_hard;
    is set($first, $DOMAIN, $url[5]), 0, 'without Redis a node has a domain';
    my $ms = int(time * 1000);
    1 while int(time * 1000) <= $ms;    # versions have milliseconds: of two in the same one none is later
    is set($second, $DOMAIN, $url[6 + $last]), 0, "later node $last has it";
    $redis->start;
    ok eventually(sub { !grep { !there($_) || $_->redis_status->{unsaved} } @node }), 'Redis is back';
    ok all_have($url[6 + $last]), 'and that is what both have';
}

done_testing;
