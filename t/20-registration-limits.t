# What one host or tool may ask of 8282: so many connections and registrations a
# second, so many routes; who asks for more is told so, and the others do not
# notice (7-security.md 7.4).
use FindBin;
use lib "$FindBin::Bin/lib";
use DynProxy;
use Time::HiRes qw(time);

my $proxy = DynProxy->new(
    tools => [qw(alpha beta gamma)],
    conf  => { registration_rate => 2, registration_burst => 5, routes_per_tool_max => 3, routes_max => 5 },
);
my $backend = $proxy->backend;
sub refused { my ($pattern, @replies) = @_; return scalar grep { $_ =~ $pattern } @replies }
sub taken   { my ($answer, @replies) = @_; return scalar grep { $_ eq $answer } @replies }

# As many as that at once, and so many in each second that went by.
sub is_within {
    my ($taken, $at_once, $a_second, $began, $what) = @_;
    cmp_ok $taken, '<=', int($at_once + $a_second * (time - $began + 0.01)), $what;
}

my $began   = time;
my @replies = map { $proxy->register('alpha', '.*', $backend->url) } 1 .. 60;
is $replies[$_], 'ok', "registration $_ of a burst" for 0 .. 4;
cmp_ok refused(qr/^fail: the tool registers more than 2 times a second: wait a little\z/, @replies), '>', 0, 'of sixty some are too many';
is $proxy->register('beta', '.*', $backend->url), 'ok', 'another tool has its own';
ok eventually(sub { push @replies, $proxy->register('alpha', '.*', $backend->url); taken('ok', @replies) > 8 }), 'and the first one has more, a little later';
is_within taken('ok', @replies), 5, 2, $began, 'the burst, and two a second';
is refused(qr/^(?:ok|fail: the tool registers more.*)\z/, @replies), @replies, 'and nothing else is said';

# Routes: of a tool, and of all; what is there may be replaced.
sub soon { my (@request) = @_; my $said; eventually(sub { ($said = $proxy->register(@request, $backend->url)) !~ /more than \d+ times/ }); return $said }
is soon('beta', "/$_"), 'ok', "route $_" for 1, 2;
like soon('beta', '/3'), qr/^fail: the tool has 3 routes already: unregister one first\z/, 'a fourth is too many for a tool';
is soon('beta', '/2'), 'ok', 'which may replace one';
is soon('gamma', '.*'), 'ok', 'another tool has room';
like soon('gamma', '/1'), qr/^fail: there are 5 routes already: tell an administrator\z/, 'until there are too many of all';
is soon('gamma', '.*'), 'ok', 'where what is there may be replaced, too';
ok eventually(sub { $proxy->unregister('beta', '/2') eq 'ok' }), 'when one is gone';
is soon('gamma', '/1'), 'ok', 'there is room again';
is $proxy->get($_, '/')->status, 200, "$_ is served" for qw(alpha beta gamma);

# Connections; a user of the Unix socket is a host of his own.
my $crowd = DynProxy->new(tools => [qw(alpha beta)], conf => { registration_connects => 5 });
$began = time;
my @many = map { $crowd->say_lines('alpha', 'nothing') } 1 .. 400;
is $many[$_], 'fail', "connection $_" for 0 .. 4;
cmp_ok refused(qr/^fail: your host connects too often: wait a little\z/, @many), '>', 0, 'of 400 some are too many';
is $crowd->register('beta', '.*', $backend->url), 'ok', 'another host has its own';
ok eventually(sub { push @many, $crowd->say_lines('alpha', 'nothing'); taken('fail', @many) > 14 }), 'and the first one has more, a little later';
is_within taken('fail', @many), 5, 5, $began, 'the burst, and five a second';
is refused(qr/^fail(?:: your host connects too often.*)?\z/, @many), @many, 'and nothing else is said';

done_testing;
