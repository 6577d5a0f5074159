# webservice(1) on this very host: no grid, a supervisor that outlives the
# login, and starts the server again (5-webservice.md).
use FindBin;
use lib "$FindBin::Bin/lib";
use OwnNetwork;
use DynProxy;
use File::Temp;

my $site = File::Temp->newdir;
chmod 0755, $site;
mkdir "$site/$_" for qw(bin home);
OwnNetwork::run('cp', "$DynProxy::BUILD/$_", "$site/bin") for qw(webservice webservice-runner);
OwnNetwork::add_user('tools.alpha', 52001, "$site/home");
chown 52001, 52001, "$site/home";
my $home  = "$site/home";
my $proxy = DynProxy->new(conf => { local_tools => '{"52001:alpha"}' });

my ($status, $out, $err);
sub command {
    return ('setpriv', '--reuid=52001', '--regid=52001', '--clear-groups', '--', 'env',
        "HOME=$home", "DYNPROXY_PROXY=" . $proxy->socket_path('register'),
        'DYNPROXY_CONTROL=' . $proxy->socket_path('control'), "$site/bin/webservice", '--backend=local', @_);
}
sub webservice {
    ($status, $out, $err) = run_command(command(@_));
    return $status;
}
sub page { return $proxy->get('alpha', '/')->body }
sub pid  { return DynProxy::slurp("$home/.webservice/pid") =~ /(\d+)/ ? $1 : 0 }
sub child_of { my ($pid) = @_; return (split ' ', DynProxy::slurp("/proc/$pid/task/$pid/children"))[0] }

OwnNetwork::append("$home/index.html", "here\n");
my @server = ('python3', '-c', <<'PYTHON');
import http.server, os
http.server.HTTPServer(('127.0.0.1', int(os.environ['PORT'])), http.server.SimpleHTTPRequestHandler).serve_forever()
PYTHON

is webservice('status'), 0, 'status';
like $out, qr/is not running/, 'nothing runs';
is webservice('start'), 1, 'nothing to start';
like $err, qr/generic needs the command to run: webservice generic start -- COMMAND/, 'it says what is missing';

is webservice('generic', 'start', '--', @server), 0, 'start' or diag $err;
END { kill 'TERM', pid() if $home && pid() }
ok eventually(sub { page() eq "here\n" }), 'it serves' or diag DynProxy::slurp("$home/error.log");
like DynProxy::slurp("$home/service.manifest"), qr/^backend: local\n/m, 'the manifest remembers the backend';
is webservice('start'), 1, 'not twice';
is webservice('status'), 0, 'status';
like $out, qr/^The proxy's word for it is "\w+": in the last minute [\d.]+ requests\/s, [\d.]+ % errors, \d+ ms\n  .*pattern=\.\* /m, 'how the proxy finds it';
like $proxy->raw('POST / HTTP/1.1' . "\r\nHost: " . $proxy->host('alpha') . "\r\nContent-Length: 9999999999\r\n\r\n"), qr/^HTTP\S+ 413 /, 'an error';
ok eventually(sub { webservice('status'); $out =~ /^Its last error: \S+Z, 413 body-too-large -\n\z/m }), 'is told' or diag $out;

my $supervisor = pid();
my ($session) = DynProxy::slurp("/proc/$supervisor/stat") =~ /\) \S+ \d+ \d+ (\d+)/;
isnt $session, (DynProxy::slurp('/proc/self/stat') =~ /\) \S+ \d+ \d+ (\d+)/)[0], 'it is of no login session of ours';

my $server = child_of(child_of($supervisor));
kill 'KILL', $server;
ok eventually(sub { page() ne "here\n" || (child_of(child_of($supervisor) // 0) // $server) != $server }), 'the server was killed';
ok eventually(sub { page() eq "here\n" }), 'and is back';
is pid(), $supervisor, 'by the same supervisor';
like DynProxy::slurp("$home/error.log"), qr/the server has ended; status 137$/m, 'the log says what happened';

is webservice('restart'), 0, 'restart' or diag $err;
ok eventually(sub { page() eq "here\n" }), 'it serves';
isnt pid(), $supervisor, 'under a new supervisor';

is webservice('logs'), 0, 'logs';
like $out, qr/stopped, pid $supervisor/, 'are shown';
is webservice('stop'), 0, 'stop' or diag $err;
is $proxy->get('alpha', '/')->reason, 'tool-stopped', 'the route is gone';
is webservice('status'), 0, 'status';
like $out, qr/is not running/, 'it is stopped';
unlike DynProxy::slurp("$home/service.manifest"), qr/^web/m, 'and forgotten';

# --- one that ends at once is told so, with what it said
isnt webservice('generic', 'start', '--', 'sh', '-c', 'echo what it said; exit 3'), 0, 'a server that ends at once';
like $err, qr/it ended at once; the end of its log:\n(    .*\n)*    what it said\n    .*sh ended with status 3\n/, 'is shown with its log';
ok eventually(sub { webservice('status') == 0 && $out =~ /is waiting to run/ }), 'it is tried again' or diag $out;    # and may just be
is webservice('stop'), 0, 'until it is stopped' or diag $err;

# --- without standard input, output and error: no file takes their places
run_command('sh', '-c', 'exec "$@" <&- >&- 2>&-', 'sh', command('generic', 'start', '--', @server));
ok eventually(sub { page() eq "here\n" }), 'started with nothing open: it serves';
is webservice('stop'), 0, 'stop' or diag $err;
ok eventually(sub { !kill 0, pid() }), 'nothing is left';

# two at once: one starts it, the other is told
my @pids = map {
    my $n = $_;
    my $pid = fork // die $!;
    if (!$pid) {
        webservice('generic', 'start', '--', @server);
        OwnNetwork::append("$site/result", "$status\n");
        POSIX::_exit(0);
    }
    $pid;
} 1, 2;
waitpid $_, 0 for @pids;
is join(' ', sort split ' ', DynProxy::slurp("$site/result")), '0 1', 'of two starts at once one is refused';
is webservice('stop'), 0, 'and stopped';
ok eventually(sub { !kill 0, pid() }), 'nothing is left';

# --- a full home directory: what was there stays, and the reason is said
OwnNetwork::run('mount', '-t', 'tmpfs', '-o', 'size=64k,mode=755,uid=52001,gid=52001', 'tmpfs', $home);
OwnNetwork::append("$home/service.manifest", "own: key\n");
chown 52001, 52001, "$home/service.manifest";
OwnNetwork::run('sh', '-c', "head -c 1M /dev/zero > $home/filler 2>/dev/null; true");
is webservice('generic', 'start', '--', @server), 1, 'a full home directory';
like $err, qr{/\.webservice/pid: No space left on device}, 'is said';
is DynProxy::slurp("$home/service.manifest"), "own: key\n", 'and the manifest is as it was';
is webservice('status'), 0, 'status';
like $out, qr/is not running/, 'nothing runs';
OwnNetwork::run('truncate', '--size=-4096', "$home/filler");
is webservice('generic', 'start', '--', @server), 1, 'with room for half of it';
like $err, qr/service\.manifest~: No space left on device/, 'the manifest is what fails';
like $err, qr/nothing remembers it: mend that, then webservice restart/, 'it is said what to do';
is DynProxy::slurp("$home/service.manifest"), "own: key\n", 'and the old one is as it was';
ok !-e "$home/service.manifest~", 'nothing lies beside it';
unlink "$home/filler";
is webservice('generic', 'restart', '--', @server), 0, 'with room again' or diag $err;
like DynProxy::slurp("$home/service.manifest"), qr/^own: key\n.*^web: generic$/ms, 'it is remembered, and nothing was lost';
is webservice('stop'), 0, 'stop' or diag $err;
ok eventually(sub { !kill 0, pid() }), 'nothing is left';
OwnNetwork::run('umount', '--lazy', $home);
done_testing;
