# portgrabber gives a command a port that the proxy knows; portreleaser takes
# the route away again (5-webservice.md).
use FindBin;
use lib "$FindBin::Bin/lib";
use OwnNetwork;
use DynProxy;

OwnNetwork::add_user('tools.alpha', 52001);
my $proxy = DynProxy->new(conf => { local_tools => '{"52001:alpha"}' });
my ($status, $out, $err);

sub as_tool {
    my ($program, @words) = @_;
    return ('setpriv', '--reuid=52001', '--regid=52001', '--clear-groups', '--', 'env',
        'DYNPROXY_PROXY=' . $proxy->socket_path('register'), "$DynProxy::BUILD/$program", @words);
}
sub does {
    my ($what, $want, $says, @command) = @_;
    ($status, $out, $err) = run_command(@command);
    is $status, $want, "$what: status $want" or diag $err;
    like $err, $says, "$what: what it says";
}
sub is_gone { return $proxy->get('alpha', '/')->status != 200 }

my $pid = fork // die $!;
if (!$pid) {
    open STDERR, '>', '/dev/null';
    exec as_tool('portgrabber', 'alpha', 'python3', '-m', 'http.server', '--bind', '127.0.0.1', '--directory', $FindBin::Bin) or exit 127;
}
END { kill 'KILL', $pid if $pid }
ok eventually(sub { !is_gone() }), 'the command listens on the port that was registered';
like DynProxy::slurp("/proc/$pid/cmdline"), qr/^python3\0.*\0\d+\0\z/s, 'the port is its last argument, and it has our pid';
kill 'KILL', $pid;
waitpid $pid, 0;
undef $pid;
is $proxy->ctl('list', 'alpha'), 0, 'it has ended';
like $proxy->out, qr/127\.0\.0\.1/, 'its route has not';
does('portreleaser', 0, qr/\A\z/, as_tool('portreleaser'));
is $proxy->get('alpha', '/')->reason, 'tool-stopped', 'takes it away';
does('once more', 0, qr/\A\z/, as_tool('portreleaser'));

# --- what cannot be
does('no such command', 127, qr{cannot run /nonexistent: No such file}, as_tool('portgrabber', 'alpha', '/nonexistent'));
$proxy->ctl('list', 'alpha');
unlike $proxy->out, qr/127\.0\.0\.1/, 'and leaves no route';
does('another tool',     1, qr/you are the tool alpha, not beta/, as_tool('portgrabber', 'beta', 'true'));
does('who is no tool',   1, qr/is no tool account/, "$DynProxy::BUILD/portgrabber", 'alpha', 'true');
does('nothing to run',   2, qr/^usage: portgrabber/, as_tool('portgrabber', 'alpha'));
does('words',            2, qr/^usage: portreleaser/, as_tool('portreleaser', 'alpha'));
for my $program (qw(portgrabber portreleaser)) {
    does("$program --help", 0, qr/\A\z/, as_tool($program, '--help'));
    like $out, qr/^usage: $program/, 'is on standard output';
}

# --- /etc/active-proxy
sub by_file { my ($program, @words) = @_; return ('setpriv', '--reuid=52001', '--regid=52001', '--clear-groups', '--', "$DynProxy::BUILD/$program", @words) }
for (['portgrabber', 'alpha', 'echo', 'runs'], ['portreleaser']) {
    OwnNetwork::write_etc('active-proxy', '');
    does("$_->[0], the kill switch", 0, qr/\A\z/, by_file(@$_));
    unlink '/etc/active-proxy';
    does("$_->[0], no file", 1, qr{/etc/active-proxy: No such file}, by_file(@$_));
}
OwnNetwork::write_etc('active-proxy', "127.0.0.1:1\n");
does('no proxy', 1, qr/127\.0\.0\.1 does not unregister this tool: Connection refused/, by_file('portreleaser'));
done_testing;
