# A browser loads a page, its images and its WebSocket over one HTTP/2
# connection (2-http.md 2.4).  SCREENSHOT=FILE.png keeps a picture of it.
use FindBin;
use lib "$FindBin::Bin/lib";
use DynProxy;
use Chromium;
use IPC::Open2;

my $proxy = DynProxy->new(tools => ['alpha'], tls => ["*.$DynProxy::DOMAIN"]);
my $server = open2(my $said, my $keep, "$FindBin::Bin/chromium_page.py");
my ($pages, $sockets) = split ' ', scalar <$said>;
is $proxy->register('alpha', '.*', "http://127.0.0.1:$pages"), 'ok', 'a page';
is $proxy->register('alpha', '/ws', "http://127.0.0.1:$sockets"), 'ok', 'a WebSocket';

my $browser = Chromium->new(args => ['--host-resolver-rules=MAP *.example.test 127.0.0.1']);
$browser->go('https://' . $proxy->host('alpha') . ":$proxy->{https_port}/");
ok eventually(sub { ($browser->js('return document.title') // '') eq 'done' }, 30), 'all is there';
is $browser->js('return document.getElementById("say").textContent'),
    "100 images by h2, the WebSocket says gr\xfc\xdf dich", 'by HTTP/2';
my (undef, $connections) = run_command('ss', '-Htn', 'state', 'established', "sport = :$proxy->{https_port}");
is scalar(my @all = split /\n/, $connections), 1, 'on one connection, with the WebSocket' or diag $connections;
$browser->picture($ENV{SCREENSHOT}) if $ENV{SCREENSHOT};
undef $browser;
close $keep;
waitpid $server, 0;
done_testing;
