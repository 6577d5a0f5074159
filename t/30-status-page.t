# The status page on 8081 shows the tools to people, live, in a real browser: one
# clicks through it, and nothing that a tenant says becomes HTML (4-operations.md
# 4.3).  SCREENSHOTS=DIRECTORY keeps pictures of it.
use FindBin;
use lib "$FindBin::Bin/lib";
use DynProxy;
use Chromium;
use File::Temp;

my @names = qw(alpha beta gamma-maps wikidata-terminator quickstatements dead-tool);
my $scratch = File::Temp->newdir;
chmod 0777, $scratch;
my $proxy = DynProxy->new(workers => 2, tools => \@names, tls => ['*.example.test'],
    conf => { https_redirect => '"off"', access_log => qq("$scratch/access.log") });
my $backend = $proxy->backend(count => 3);
is $proxy->register($names[$_], '.*', $backend->url($_ % 3)), 'ok', "a tool, $names[$_]" for 0 .. 4;
is $proxy->register('alpha', '/evil<img/src=x/onerror=alert(1)>', $backend->url(1)), 'ok', 'a pattern that is HTML';
is $proxy->register('dead-tool', '.*', 'http://127.0.0.1:' . free_port()), 'ok', 'one that does not answer';
is $proxy->ctl('ban', '192.0.2.0/24', '--for', '2h'), 0, 'a ban';

# --- whom it is for
my $base = "http://127.0.0.1:$proxy->{admin_port}";
sub asked {
    my ($path, $host) = @_;
    return DynProxy::Response->new(DynProxy::converse($proxy->connect($proxy->{admin_port}),
        "GET $path HTTP/1.1\r\nHost: $host\r\n\r\n"));
}
is asked('/', 'localhost')->status, 200, 'the page';
like asked('/', "127.0.0.1:$proxy->{admin_port}")->header('content-security-policy'), qr/default-src 'none'; script-src 'self'/, 'its policy';
is asked($_, 'evil.example')->status, 403, "$_ by another name: no (DNS rebinding)" for '/', '/api/node';
is asked($_->[0], 'localhost')->status, $_->[1], "$_->[0]: $_->[1]"
    for ['/api/tool?name=nobody', 404], ['/api/tool?name=../x', 404], ['/api/tool?name=%zz', 400], ['/api/x', 404],
        ['/api/tools?q=%61lph', 200];
is asked('/', 'localhost')->body =~ /\b(?:https?:)?\/\/\w/ ? 1 : 0, 0, 'it asks nobody else';

# --- some load, so that there is something to see
sub load {
    my ($times) = @_;
    for (1 .. $times) {
        $proxy->get('alpha', "/page/$_?q=<b>");
        $proxy->get('beta', '/') if $_ % 3 == 0;
        $proxy->get('dead-tool', '/') if $_ % 5 == 0;
        $proxy->get('gamma-maps', '/slow/' . 3 * $_) if $_ % 4 == 0;
    }
}
load(60);

my $browser = Chromium->new(width => 1240, height => 1000);
my $keep = $ENV{SCREENSHOTS};
my $picture = sub { $browser->picture("$keep/$_[0].png") if $keep };
my $is_dark = sub { $browser->cdp('Emulation.setEmulatedMedia', { features => [{ name => 'prefers-color-scheme', value => $_[0] ? 'dark' : 'light' }] }) };
my $text = sub { $browser->js('return document.querySelector(arguments[0])?.innerText ?? ""', $_[0]) // '' };
my $shows = sub { my ($where, $what, $name) = @_; ok eventually(sub { load(3) if $keep; $text->($where) =~ $what }, 40), $name or diag $text->($where) };

$is_dark->(0);
$browser->go("$base/");
$shows->('#tools tbody', qr/alpha.*\bgood\b/s, 'the tools, and how they are');
$shows->('#tools tbody', qr/dead-tool\s+down/, 'one is down');
$shows->('#ready', qr/ready/, 'the node is ready');
$shows->('#processes', qr/worker 1 \(\d+\)\s+ready/, 'processes');
$shows->('#certificates', qr/first\s+\d+ days left/, 'certificates');
$shows->('#bans', qr/192\.0\.2\.0\/24\s+banned until/, 'bans');
$shows->('#stores', qr/Redis\s+not configured/, 'stores');
$picture->('overview');
$browser->js('document.querySelector("[data-by=errors]").click()');
ok eventually(sub { load(5); $text->('#tools tbody') =~ /\Adead-tool\b/ }, 40), 'the worst first';
ok eventually(sub { load(5); asked('/api/tools?q=&by=errors', 'localhost')->body =~ /\A[^\[]*\[\s*\{\s*"name":\s*"dead-tool"/ }), '  of all there are';
is asked('/api/tools?q=&by=colour', 'localhost')->status, 400, '  and no other order';
$browser->js('document.querySelector("[data-by=rate]").click()');

# --- it is live
is $proxy->unregister('quickstatements', '.*'), 'ok', 'a tool goes';
ok eventually(sub { $text->('#tools tbody') !~ /quickstatements/ }), 'and is gone from the page by itself';

# --- the keyboard: / to search, Enter to go there, Escape back
my $keys = sub {
    my @actions = map { my $k = $_; map { { type => $_, value => $k } } qw(keyDown keyUp) } @_;
    $browser->say(POST => '/actions', { actions => [{ type => 'key', id => 'keyboard', actions => \@actions }] });
};
$keys->('/', split //, 'termi');
ok eventually(sub { $text->('#tools tbody') =~ /\Awikidata-terminator\b(?!.*alpha)/s }), 'search';
$keys->("\x{e007}");
$shows->('#t-name', qr/^wikidata-terminator$/, "Enter: that tool's page");
$keys->("\x{e00c}");
ok eventually(sub { $browser->js('return !document.getElementById("overview").hidden') }), 'Escape: all of them';
$browser->js('const q = document.getElementById("q"); q.value = ""; q.dispatchEvent(new Event("input")); q.blur()');

# --- one tool, by a click
$shows->('#tools tbody', qr/dead-tool/, 'all of them are there');
$browser->js('[...document.querySelectorAll("#tools a")].find(a => a.textContent === "dead-tool").click()');
$shows->('#t-errors', qr/503\s+backend-refused\s+GET \/ HTTP\/1\.1\s+127\.0\.0\.1:\d+|503\s+tool-starting/, 'its last errors');
$shows->('#t-reasons', qr/(?:backend-refused|tool-starting) \d+/, 'and how many');
$shows->('#t-events', qr/ago\s+route-registered\s+route=\.\* destination=http/, 'what happened to it');
$browser->js('document.querySelector("#explain button").click()');
$shows->('#steps', qr/tool.*dead-tool|dead-tool/s, 'explain');
$picture->('tool');
$browser->go("$base/#/tool/alpha");
$shows->('#t-routes', qr{evil<img/src=x/onerror=alert\(1\)>}, 'HTML in a pattern is text');
is $browser->js('return document.images.length'), 0, 'and no image';
$picture->('tool-good');
$browser->go("$base/#/tool/quickstatements");
$shows->('#t-state', qr/^gone$/, 'one that has no route any more');
$shows->('#t-events', qr/route-unregistered.*route-registered/s, '  what happened to it is there yet');
is $browser->js('return document.querySelectorAll("#t-cards .card").length'), 0, '  and no figures';
$picture->('tool-gone');

# --- a phone, and the dark
$browser->cdp('Emulation.setDeviceMetricsOverride', { width => 390, height => 844, deviceScaleFactor => 2, mobile => JSON::PP::true });
$browser->go("$base/#/");
$shows->('#tools tbody', qr/alpha/, 'on a phone');
is $browser->js('return document.documentElement.scrollWidth'), 390, 'nothing is wider than it';
$picture->('phone');
$browser->cdp('Emulation.clearDeviceMetricsOverride', {});
$is_dark->(1);
$browser->go("$base/");
$shows->('#tools tbody', qr/alpha/, 'in the dark');
is $browser->js('return getComputedStyle(document.body).backgroundColor'), 'rgb(18, 22, 28)', 'it is dark';
$picture->('dark');

my @said = $browser->console;
is "@said", '', 'the console is empty';

# --- what is not there
$browser->go("$base/#/tool/nobody");
$shows->('#trouble', qr/nobody has no route/, 'a tool without a route');
is $browser->js('return document.getElementById("tool").hidden'), JSON::PP::true, '  and no other one in its place';
$proxy->ctl('del', $_) for @names;
$browser->go("$base/#/");
$shows->('#none', qr/No tool has registered a route yet/, 'no tool at all');
$picture->('empty');
is $proxy->ctl('stop', '--now'), 0, 'nobody answers any more';
ok eventually(sub { $text->('#ready') eq 'no answer' }, 40), 'the page says so';
like $text->('#trouble'), qr/what is below is old/, '  and that it is old';
$picture->('gone');
ok eventually(sub { $proxy->is_dead }), 'it has ended';
$proxy->start;
done_testing;
