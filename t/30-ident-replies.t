# Whatever an identd replies, late or never: its own host's client gets the
# answer that is promised, the others get theirs, and it takes no memory
# (1-registration.md 1.2, 7-security.md 7.4).
use FindBin;
use lib "$FindBin::Bin/lib";
use DynProxy;
use Identds;
use JSON::PP;
use Socket qw(SOL_SOCKET SO_LINGER);
use Time::HiRes qw(sleep);

my $OK      = 'ok';
my $FAILED  = 'Identd authentication failed. Please contact an administrator';
my $NO_TOOL = 'This service available only to tool accounts';

# "P" is the pair that was asked for; a function does more than to say it.
sub user    { "P : USERID : UNIX : $_[0]\r\n" }
sub drip    { my ($text, $pause) = @_; return sub { my ($to, $pair) = @_; for my $byte (split //, $text =~ s/P/$pair/r) { syswrite($to, $byte) or last; sleep $pause } } }
sub swapped { my ($to, $pair) = @_; syswrite $to, join(',', reverse split /\s*,\s*/, $pair) . " : USERID : UNIX : tools.alpha\r\n" }
sub port_off {
    my ($theirs, $ours) = @_;
    return sub { my ($to, $pair) = @_; my ($p, $q) = split /\s*,\s*/, $pair; syswrite $to, sprintf "%d,%d : USERID : UNIX : tools.alpha\r\n", $p + $theirs, $q + $ours };
}
sub reset_it { my ($to) = @_; setsockopt $to, SOL_SOCKET, SO_LINGER, pack 'II', 1, 0 }

my @rows = (
    ['as RFC 1413 shows it',    'P : USERID : UNIX :tools.alpha' . "\r\n", $OK],
    ['LF alone',                "P : USERID : UNIX : tools.alpha\n",       $OK],
    ['a charset',               "P : USERID : UNIX,US-ASCII : tools.alpha\r\n", $OK],
    ['tabs',                    "P\t:\tUSERID\t:\tUNIX\t:\ttools.alpha\r\n", $OK],
    ['system OTHER',            "P : USERID : OTHER : tools.alpha\r\n", $OK],
    ['a byte at a time',        drip(user('tools.alpha'), 0.002), $OK],
    ['after a while',           sub { my ($to, $pair) = @_; sleep 0.5; syswrite $to, user('tools.alpha') =~ s/P/$pair/r }, $OK],

    (map { ["the user \"$_\"", user($_), $NO_TOOL] } 'root', 'visitor', 'tools', 'tools.', 'toolsalpha', 'tools.tools.alpha', 'tools.Alpha', 'TOOLS.alpha',
        'Tools.alpha', 'tools.al_pha', 'tools.-alpha', 'xtools.alpha', 'tools.alpha ', 'tools.alpha:x', 'tools.alpha/..', 'tools.' . 'a' x 64, ':', '0'),

    (map { ["ERROR : $_", "P : ERROR : $_\r\n", $FAILED] } qw(NO-USER HIDDEN-USER INVALID-PORT UNKNOWN-ERROR X1)),
    ['ERROR with a user',       "P : ERROR : UNIX : tools.alpha\r\n", $FAILED],
    ['ERROR for 0,0',           "0,0 : ERROR : UNKNOWN-ERROR\r\n", $FAILED],
    ['the ports of nobody',     "1, 2 : USERID : UNIX : tools.alpha\r\n", $FAILED],
    ['the ports swapped',       \&swapped, $FAILED],
    ['another port of theirs',  port_off(1, 0), $FAILED],
    ['another port of ours',    port_off(0, 1), $FAILED],
    ['a port modulo 65536',     port_off(0, 65536), $FAILED],
    ['a negative port',         port_off(-65536, 0), $FAILED],
    ['one port',                "8282 : USERID : UNIX : tools.alpha\r\n", $FAILED],
    ['three ports',             "P, 1 : USERID : UNIX : tools.alpha\r\n", $FAILED],
    ['no ports',                ": USERID : UNIX : tools.alpha\r\n", $FAILED],
    ['a colon too many',        "P : : USERID : UNIX : tools.alpha\r\n", $FAILED],
    ['a colon too few',         "P : USERID : tools.alpha\r\n", $FAILED],
    ['no user',                 "P : USERID : UNIX :\r\n", $FAILED],
    ['a blank user',            "P : USERID : UNIX :   \r\n", $FAILED],
    ['a small type',            "P : userid : UNIX : tools.alpha\r\n", $FAILED],
    ['another type',            "P : USERIDS : UNIX : tools.alpha\r\n", $FAILED],
    ['another line',            user('tools.alpha') . user('tools.beta'), $FAILED],
    ['the same line again',     user('tools.alpha') x 2, $FAILED],
    ['an empty second line',    user('tools.alpha') . "\r\n", $FAILED],
    ['an empty line first',     "\r\n" . user('tools.alpha'), $FAILED],
    ['one byte more',           user('tools.alpha') . 'x', $FAILED],
    ['NUL in the user',         user("tools.alpha\0x"), $FAILED],
    ['NUL before it all',       "\0" . user('tools.alpha'), $FAILED],
    ['NUL behind it all',       user('tools.alpha') . "\0", $FAILED],
    ['UTF-8',                   user("tools.\xc3\xa4"), $FAILED],
    ['Latin-1',                 user("tools.\xe4"), $FAILED],
    ['an escape',               user("tools.\e[2J"), $FAILED],
    ['a CR within',             user("tools.\ralpha"), $FAILED],
    ['no end of the line',      "P : USERID : UNIX : tools.alpha", $FAILED],
    ['CR alone',                "P : USERID : UNIX : tools.alpha\r", $FAILED],
    ['an empty line',           "\r\n", $FAILED],
    ['HTTP',                    "HTTP/1.1 400 Bad Request\r\n\r\n", $FAILED],
    ['SSH',                     "SSH-2.0-OpenSSH_9.2p1\r\n", $FAILED],
    ['1001 bytes',              'P : USERID : UNIX : ' . 'a' x 1001 . "\r\n", $FAILED],
    ['a mebibyte of a user',    user('tools.' . 'a' x (1 << 20)), $FAILED],
    ['a mebibyte of nothing',   "\0" x (1 << 20), $FAILED],
    ['65536 lines',             "\r\n" x 65536, $FAILED],
    ['nothing, and closed',     sub { }, $FAILED],
    ['a reset',                 \&reset_it, $FAILED],
    ['half of it and a reset',  sub { my ($to) = @_; syswrite $to, '1, '; reset_it($to) }, $FAILED],
    ['nothing at all',          sub { my ($to) = @_; sysread $to, my $end, 1 }, $FAILED],
    ['a byte now and then',     drip(user('tools.alpha') x 9, 0.3), $FAILED],
);
sub host { '127.0.' . (1 + int $_[0] / 200) . '.' . (1 + $_[0] % 200) }

my %row     = map { host($_) => $rows[$_] } 0 .. $#rows;
my $identds = Identds->new(says => sub {
    my ($host, $pair, $to) = @_;
    my $reply = $row{$host}[1] // user('tools.beta');
    return $reply =~ s/P/$pair/r if !ref $reply;
    $reply->($to, $pair);
    return;
});

my $proxy   = DynProxy->new(conf => { ident_port => $identds->port, ident_timeout => '2s', account_prefix => '"tools."', verify => 'off' });
my $backend = $proxy->backend;

sub from { my ($host, $route) = @_; return Identds::from($proxy, $host, 'register', $route, $backend->url) }

is answers(from('127.0.9.9', '/first'), 'ok', '127.0.9.9', '/first'), 'ok', 'an identd as it should be';
my $registrar = $proxy->registrar_pid;
my $before    = memory_kb($registrar);

# Who has to wait for its turn on a busy machine for longer than ident may take
# is refused like the others, and asks again.
sub answers {
    my ($asked, $answer, @again) = @_;
    my $said = DynProxy::converse($asked);
    $said = DynProxy::converse(from(@again)) for grep { $said eq $FAILED && $answer ne $FAILED } 1 .. 20;
    return $said;
}

# Some at a time, and one that is as it should be behind each.
cmp_ok scalar @rows, '>=', 40, scalar(@rows) . ' replies';
for (my $first = 0; $first < @rows; $first += 8) {
    my @asked = map { [from(host($_), '/bad'), from('127.0.9.' . ($_ + 10), '/good')] } grep { $_ < @rows } $first .. $first + 7;
    for my $n ($first .. $first + $#asked) {
        my ($what, undef, $answer) = $rows[$n]->@*;
        my ($it, $next) = $asked[$n - $first]->@*;
        is answers($it, $answer, host($n), '/bad'), $answer, $what =~ s/[^ -~]/?/gr;
        is answers($next, 'ok', '127.0.9.' . ($n + 10), '/good'), 'ok', '  the next host is served';
    }
}
cmp_ok memory_kb($registrar) - $before, '<', 16384, 'all of that takes no memory';
is $proxy->registrar_pid, $registrar, 'it is the same registrar';
is join(' ', sort keys %{ decode_json($proxy->admin('/list')->body) }), 'alpha beta', 'these have routes, and nobody else';
is $proxy->get('beta', '/good')->status, 200, 'and are served';

done_testing;
