# On a Unix socket the kernel says who asks, and his account's name which tool
# that is, as identd would; unless local_tools says it (1-registration.md 1.2).
use FindBin;
use lib "$FindBin::Bin/lib";
use OwnNetwork;
use AsUser;
use DynProxy;

my $FAILED  = 'Identd authentication failed. Please contact an administrator';
my $NO_TOOL = 'This service available only to tool accounts';

my %uid = ('tools.alpha' => 61001, 'tools.beta' => 61002, visitor => 61003, 'tools.' => 61004, 'tools.tools.x' => 61005, 'x' x 300 => 61007);
OwnNetwork::add_user($_, $uid{$_}) for sort keys %uid;
$uid{nobody_knows} = 61006;
$uid{root} = 0;

my $proxy = DynProxy->new(conf => { account_prefix => '"tools."', ident_timeout => '5s' }, expect => qr/child-died/);
$proxy->{uid} = \%uid;
my $backend = $proxy->backend;
sub lookup { ($proxy->pids('lookup'))[0] }
sub said { my ($account, $route) = @_; $proxy->register($account, $route // '.*', $backend->url) }

is said('tools.alpha'), 'ok', 'the account of a tool registers it';
is $proxy->get('alpha', '/')->status, 200, 'and it is served';
is said($_), $NO_TOOL, "$_ is no tool" for qw(visitor tools. tools.tools.x root nobody_knows);
is said('x' x 300), $NO_TOOL, 'nor is one with a long name';
unlike $proxy->log, qr/accounts-failed/, 'all of which could be found out';

# many at once, each with its own answer
my @names = (qw(tools.alpha tools.beta visitor)) x 20;
my @sockets = map { $proxy->connect_as($_) } @names;
is_deeply [map { DynProxy::converse($_, "register\n", "/many\n", $backend->url . "\n") } @sockets], [map { /^tools\./ ? 'ok' : $NO_TOOL } @names],
    'of many at once each gets its own answer';
is join(' ', sort map { "$_->{tool} $_->{pattern}" } @{ $proxy->ctl_json('list') }), 'alpha .* alpha /many beta /many', 'and each tool its routes';

# dynproxyctl tells a tool of itself
sub told { my ($account, @words) = @_; my ($status, $out, $err) = ctl_as($proxy, $uid{$account}, @words); return "$status $out$err" }
like told('tools.beta', '--no-headers', '--columns', 'tool,pattern', 'list'), qr{\A0 beta\s+/many\n\z}, 'an account may ask about its own tool';
like told('tools.beta', 'list', 'alpha'), qr/^4 .*only ask about itself.* beta$/m, 'and about no other';
like told($_, 'list'), qr/^4 .*you may not/, "$_ about none" for qw(visitor tools. tools.tools.x nobody_knows);

# accounts are asked of somebody who may be slow
my $began = time;
my $slow  = lookup();
kill 'STOP', $slow;
my @waiting = map { my $s = $proxy->connect_as($_); $s->print("register\n/slow\n" . $backend->url . "\n"); $s->flush; $s } qw(tools.beta visitor);
is $proxy->ctl('list'), 0, 'who is slow is not waited for';
like told('tools.beta', 'list'), qr/^75 .*could not be found out/, 'but by who must be known';
my $gone = $proxy->connect_as('tools.beta');
$gone->print("register\n/gone\n" . $backend->url . "\n");
close $gone;
is DynProxy::converse($_), $FAILED, 'who asks is refused in time' for @waiting;
undef @waiting;
my $stranger = $proxy->connect_as('visitor');
eventually(sub { $proxy->ctl_json('status')->{registrar}{registrations} == 1 }, 1);    # he has asked
kill 'CONT', $slow;
isnt DynProxy::converse($stranger, "register\n/slow\n" . $backend->url . "\n"), 'ok', 'who are others';
ok eventually(sub { said('tools.beta', '/after') eq 'ok' }), 'later he is not';
is scalar(() = $proxy->log =~ /accounts-failed no answer in time/g), 1, 'which is told once';
like $proxy->log, qr/accounts-work/, 'and that it is over';
for (1 .. 3) {
    kill 'STOP', lookup();
    is said('tools.beta', '/slow'), $FAILED, 'he is slow again';
    kill 'CONT', lookup();
    ok eventually(sub { said('tools.beta', '/after') eq 'ok' }), 'and is not';
}
cmp_ok scalar(() = $proxy->log =~ /accounts-failed/g), '<=', 1 + (time - $began) / 60, 'which is told once a minute at most';
is scalar(grep { $_->{pattern} =~ m{/slow|/gone} } @{ $proxy->ctl_json('list') }), 0, 'what was refused is not there';
kill 'KILL', lookup();
ok eventually(sub { said('tools.alpha', '/more') eq 'ok' }), 'he may die';

# a list takes the place of accounts
$proxy->{conf}{local_tools} = '{ "61003:gamma" }';
$proxy->write_conf;
is $proxy->ctl('reload'), 0, 'local_tools';
is said('visitor'), 'ok', 'says who is what';
is $proxy->get('gamma', '/')->status, 200, 'and so it is';
like told('visitor', '--no-headers', 'list'), qr/^0 gamma /, 'for dynproxyctl, too';
like told('tools.alpha', 'list'), qr/^4 .*you may not/, 'which knows no account then';
like said('tools.alpha'), qr/^fail: uid 61001 is no tool here: add "61001:NAME" to local_tools/, 'and nothing else does';
ok eventually(sub { !lookup() }), 'nor is anybody asked';
$proxy->stop;

# the prefix is the machine's project; and a port is to be proved, as any account's
OwnNetwork::write_etc('wmcs-project', "visitors\n");
OwnNetwork::add_user('visitors.delta', 61010);
$proxy = DynProxy->new(conf => { verify => 'require' });
$proxy->{uid} = { 'tools.alpha' => 61001, 'visitors.delta' => 61010 };
is said('tools.alpha'), $NO_TOOL, 'tools are those of the project that /etc/wmcs-project names';
is said('visitors.delta'), 'ok', 'as this one';
is $proxy->get('delta', '/')->reason, 'tool-starting', 'verify = require: it is not served before a proof';
$proxy->{conf}{local_tools} = '{ "61010:delta" }';
$proxy->write_conf;
is $proxy->ctl('reload'), 0, 'by local_tools';
is said('visitors.delta'), 'ok', 'it is the same';
is $proxy->get('delta', '/')->status, 200, 'but has no account that an identd could name';

done_testing;
