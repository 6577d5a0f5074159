# A browser loads a page, its images and its WebSocket over one HTTP/2
# connection (2-http.md 2.4).  SCREENSHOT=FILE.png keeps a picture of it.
use FindBin;
use lib "$FindBin::Bin/lib";
use DynProxy;
use File::Temp;
use HTTP::Tiny;
use IPC::Open2;
use JSON::PP;
use MIME::Base64;

my $proxy = DynProxy->new(tools => ['alpha'], tls => ["*.$DynProxy::DOMAIN"]);
my $server = open2(my $said, my $keep, "$FindBin::Bin/chromium_page.py");
my ($pages, $sockets) = split ' ', scalar <$said>;
is $proxy->register('alpha', '.*', "http://127.0.0.1:$pages"), 'ok', 'a page';
is $proxy->register('alpha', '/ws', "http://127.0.0.1:$sockets"), 'ok', 'a WebSocket';

# --- chromedriver, in its W3C dialect
my $profile = File::Temp->newdir;
my $port = free_port();
my $driver = fork // die $!;
if (!$driver) {
    setpgrp;    # what it starts ends with it
    $ENV{HOME} = "$profile";
    open STDOUT, '>', "$profile/driver.log";
    open STDERR, '>&', \*STDOUT;
    exec 'chromedriver', "--port=$port" or POSIX::_exit(127);
}
END { if ($driver) { local $?; kill 'KILL', -$driver; waitpid $driver, 0 } }

my $http = HTTP::Tiny->new(timeout => 60);
my $session = '';

sub driver {
    my ($method, $path, $what) = @_;
    my $answer = $http->request($method, "http://127.0.0.1:$port/session$session$path",
        $what ? { content => encode_json($what), headers => { 'content-type' => 'application/json' } } : {});
    return eval { decode_json($answer->{content})->{value} };
}

ok eventually(sub { $http->get("http://127.0.0.1:$port/status")->{success} }), 'chromedriver';
my $begun = driver(POST => '', { capabilities => { alwaysMatch => {
    browserName => 'chrome', acceptInsecureCerts => JSON::PP::true,
    'goog:chromeOptions' => { args => ['--headless=new', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage',
        '--window-size=1000,700', "--user-data-dir=$profile/data", '--no-proxy-server',
        '--host-resolver-rules=MAP *.example.test 127.0.0.1'] } } } });
ok $begun->{sessionId}, 'Chromium' or diag explain $begun;
$session = "/$begun->{sessionId}";
driver(POST => '/url', { url => 'https://' . $proxy->host('alpha') . ":$proxy->{https_port}/" });
ok eventually(sub { (driver(GET => '/title') // '') eq 'done' }, 30), 'all is there';
is driver(POST => '/execute/sync', { script => 'return document.getElementById("say").textContent', args => [] }),
    "100 images by h2, the WebSocket says gr\xfc\xdf dich", 'by HTTP/2';
my (undef, $connections) = run_command('ss', '-Htn', 'state', 'established', "sport = :$proxy->{https_port}");
is scalar(my @all = split /\n/, $connections), 1, 'on one connection, with the WebSocket' or diag $connections;
if (my $file = $ENV{SCREENSHOT}) {
    open my $fh, '>:raw', $file or die "$file: $!";
    print $fh decode_base64(driver(GET => '/screenshot'));
}
driver('DELETE', '');
kill 'KILL', -$driver;
waitpid $driver, 0;
undef $driver;
close $keep;
waitpid $server, 0;
done_testing;
