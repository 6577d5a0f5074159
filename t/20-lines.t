# What comes on 8282 is a request or not: what is none is refused in bounded time
# and memory, however it comes, and hinders nobody (1-registration.md 1.1).
use FindBin;
use lib "$FindBin::Bin/lib";
use DynProxy;
use IO::Select;

$SIG{PIPE} = 'IGNORE';
my $proxy = DynProxy->new(tools => [qw(alpha beta)], conf => { registration_timeout => '4s' });
my $backend = $proxy->backend;
my $url     = $backend->url;

my $FAIL = qr/^fail\z/;               # no such command
my $WHY  = qr/^fail: [^\n]+\z/;       # what is wrong, and what to do
my $LATE = qr/^(?:fail: [^\n]+)?\z/;  # nobody waits for the rest
my $CUT  = qr/^(?:fail(?:: [^\n]+)?)?\z/;    # who goes on sending may not see it

# what, bytes, answer
my @rows = (
    ['a mebibyte without a newline', 'x' x (1 << 20), $CUT],
    ['a mebibyte behind a command',  "register\n" . 'x' x (1 << 20), $CUT],
    ['a mebibyte of NUL',            "\0" x (1 << 20), $CUT],
    ['a mebibyte of CR',             "\r" x (1 << 20), $CUT],
    ['a million lines',              "\n" x 1_000_000, $CUT],
    ['a million commands',           "register\n" x 1_000_000, $CUT],
    ['1025 bytes in a line',         'unregister' . "\n" . 'a' x 1025 . "\n", $WHY],
    ['a word of 1025 bytes',         'a' x 1025, $WHY],
    ['a long destination',           "register\n.*\n$url" . '/' x 1025 . "\n", $WHY],
    ['a NUL',                        "\0\n", $FAIL],
    ['NUL in the command',           "regi\0ster\n.*\n$url\n", $FAIL],
    ['NUL in the route',             "register\n/\0\n$url\n", $WHY],
    ['NUL in the destination',       "register\n.*\n$url\0\n", $WHY],
    ['TAB in the route',             "register\n/\t\n$url\n", $WHY],
    ['an escape in the route',       "register\n/\e[2J\n$url\n", $WHY],
    ['CR in the route',              "register\n/\rx\n$url\n", $WHY],
    ['DEL in the route',             "register\n/\x7f\n$url\n", $WHY],
    ['two CR',                       "register\r\r\n.*\n$url\n", $FAIL],
    ['an empty command',             "\n.*\n$url\n", $FAIL],
    ['in capitals',                  "REGISTER\n.*\n$url\n", $FAIL],
    ['a blank before it',            " register\n.*\n$url\n", $FAIL],
    ['a blank behind it',            "register \n.*\n$url\n", $FAIL],
    ['HTTP',                         "GET / HTTP/1.1\r\nHost: a\r\n\r\n", $FAIL],
    ['TLS',                          "\x16\x03\x01\x02\x00\x01\x00\n\x01\xfc", $FAIL],
    ['UTF-16',                       "\xff\xfer\0e\0g\0i\0s\0t\0e\0r\0\n\0", $FAIL],
    ['an empty route',               "register\n\n$url\n", $WHY],
    ['no destination',               "register\n.*\n\n", $WHY],
    ['a lease of nothing',           "lease\n\n\n", $WHY],
    ['a regular expression that is none', "register\n(\n$url\n", $WHY],
    ['CR only',                      "register\r.*\r$url\r", $LATE],
    ['a command and no more',        "register\n", $LATE],
    ['two lines and no more',        "register\n.*\n", $LATE],
    ['half a destination',           "register\n.*\nhttp://127.", $LATE],
    ['nothing for ever',             '', $LATE],
);

is $proxy->register('alpha', '.*', $url), 'ok', 'a request as it should be';
my $registrar = $proxy->registrar_pid;
my $before    = memory_kb($registrar);

# Those that are waited for in vain are waited for together.
my @waiting;
for my $row (@rows) {
    my ($what, $bytes, $answer) = @$row;
    my $socket = $proxy->connect_as('alpha');
    if ($answer == $LATE) {
        syswrite $socket, $bytes if $bytes ne '';
        push @waiting, [$what, $socket];
    } else {
        like DynProxy::converse($socket, $bytes), $answer, $what;
        is $proxy->register('beta', '.*', $url), 'ok', '  the next one is served';
    }
}
for my $way (['a byte at a time', "unregister\n/none\n", 'ok'], ['CR LF', "unregister\r\n/none\r\n", 'ok'], ['and more than is asked for', "unregister\n/none\nregister\n", 'ok']) {
    my ($what, $bytes, $answer) = @$way;
    my $socket = $proxy->connect_as('alpha');
    $socket->autoflush(1);
    syswrite $socket, $_ or last for split //, $bytes;
    is DynProxy::converse($socket), $answer, $what;
}
like DynProxy::converse($_->[1]), $LATE, "$_->[0]: not waited for" for @waiting;

# One that says a byte now and then has no longer than the others.
my $slow = $proxy->connect_as('alpha');
my $gone = IO::Select->new($slow);
ok eventually(sub { syswrite $slow, 'x'; $gone->can_read(0) }), 'a byte now and then: not waited for either';
cmp_ok memory_kb($registrar) - $before, '<', 16384, 'all of that takes no memory';
is $proxy->registrar_pid, $registrar, 'it is the same registrar';
is scalar @{ $proxy->ctl_json('list') }, 2, 'there is what was right, and nothing else';
is $proxy->get($_, '/')->status, 200, "$_ is served" for qw(alpha beta);

done_testing;
