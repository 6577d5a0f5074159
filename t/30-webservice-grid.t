# webservice(1) and its friends on a real Grid Engine: what a tool types, what
# its visitors see, and who starts it again (5-webservice.md).
use FindBin;
use lib "$FindBin::Bin/lib";
use OwnNetwork;
use DynProxy;
use File::Temp;
use GridEngine;
use Time::HiRes;

my $exec = OwnNetwork::host(name => 'exec1', ours => '10.98.0.1', theirs => '10.98.0.2');
OwnNetwork::write_etc('hosts', "127.0.0.1 localhost\n10.98.0.2 exec1\n10.98.0.1 proxy\n");

# --- a site: programs in /usr/local/bin, a tool with a home, ident, a proxy
my $site = File::Temp->newdir;
chmod 0755, $site;
mkdir "$site/$_" for qw(bin homes homes/alpha);
OwnNetwork::run('cp', "$DynProxy::BUILD/$_", "$site/bin")
    for qw(webservice webservice-runner portgrabber portreleaser webservicemonitor);
OwnNetwork::replace('/usr/local/bin', "$site/bin");
OwnNetwork::add_user('tools.alpha', 52001, "$site/homes/alpha");
OwnNetwork::add_user('visitor',     52900, "$site/homes");
my $home = "$site/homes/alpha";
chown 52001, 52001, $home;

my $proxy = DynProxy->new(
    workers => 2,
    address => '10.98.0.1',
    reg_port => 8282, admin_port => 8081,
    conf    => { backend_networks => undef },
);
my $identd_conf = File::Temp->new;
print $identd_conf "default { default { deny spoof deny spoof_all deny random deny numeric deny hide deny forward } }\n";
close $identd_conf;
chmod 0644, "$identd_conf";
$exec->start(undef, qw(oidentd --foreground --nosyslog --user oident --group oident --config), "$identd_conf");
ok eventually(sub { $exec->listens(113) }), 'oidentd listens';
my $grid = GridEngine->new(host => $exec, name => 'exec1', epilog => '/usr/local/bin/portreleaser');

OwnNetwork::write_etc('active-proxy', "10.98.0.1\n");
my ($status, $out, $err);
sub webservice {
    my (@words) = @_;
    ($status, $out, $err) = $grid->as('tools.alpha', qw(env WEBSERVICE_DOMAIN=example.test webservice), @words);
    return $status;
}
sub page    { return $proxy->get('alpha', '/')->body }
sub write_file {
    my ($name, $text) = @_;
    my ($dir) = "$home/$name" =~ m{(.*)/};
    OwnNetwork::run('mkdir', '-p', $dir);
    open my $fh, '>', "$home/$name" or die "$name: $!";
    print $fh $text;
    close $fh;
    OwnNetwork::run('chown', '-R', '52001:52001', $home);
}

# --- as the issue has it
write_file('index.html', "alpha's own page\n");
is webservice('--backend=gridengine', qw(generic start -- python3 -m http.server)), 0, 'webservice start' or diag $err;
like $out, qr{^https://alpha\.example\.test/$}m, 'it shows the address';
ok eventually(sub { page() eq "alpha's own page\n" }, 20), 'the page comes through the proxy' or diag DynProxy::slurp("$home/error.log");
my $manifest = DynProxy::slurp("$home/service.manifest");
$manifest =~ s/^# \w{3} \w{3} [ \d]\d [\d:]+ \d+\n//m;
is $manifest, <<'YAML', 'the manifest is as the original writes it';
# This file is used by Toolforge infrastructure.
# Please do not edit manually at this time.
backend: gridengine
release: buster
version: 4
web: generic
web::extra_args:
- python3
- -m
- http.server
YAML
ok !-e "$home/service.manifest~", 'nothing lies beside it';
like DynProxy::slurp("$home/error.log"), qr/listens on port 8000, not on \$PORT/, 'a server that does not look at PORT is found';

is webservice('status'), 0, 'webservice status';
like $out, qr/^Your webservice of type generic is running on backend gridengine$/m, 'says that it runs';
like $out, qr{http://10\.98\.0\.2:8000}, 'and what the proxy thinks';
is webservice('start'), 1, 'a second start is refused';
like $err, qr/running already: webservice restart/, 'and says what to do';
is webservice('--backend=kubernetes', 'start'), 1, 'another backend is refused';
like $err, qr/webservice --backend=gridengine stop/, 'and says what to do';
is webservice('restart'), 0, 'webservice restart' or diag $err;
ok eventually(sub { page() eq "alpha's own page\n" }, 20), 'it serves again';
is webservice('logs'), 0, 'webservice logs';
like $out, qr/listens on port 8000/, 'shows them';

# --- however it ends, its route ends with it
sub job_pid {    # of a process of the job, by what it runs
    my ($what) = @_;
    for (glob '/proc/[0-9]*/cmdline') {
        my $line = DynProxy::slurp($_) =~ tr/\0/ /r;
        return m{/proc/(\d+)} && $1 if $line =~ $what && (stat $_)[4] == 52001;
    }
    return undef;
}
# Do it, and say how long the route was there after it (2 s is the promise).
sub takes_route {
    my ($what, $does) = @_;
    my $since = Time::HiRes::time();
    $does->();
    ok eventually(sub { ($proxy->get('alpha', '/')->reason // '') eq 'tool-stopped' }, 20), "$what: the route is gone";
    diag sprintf '%s: the route was gone after %.2f s', $what, Time::HiRes::time() - $since;
}
sub gone { return $proxy->get('alpha', '/')->status != 200 }
sub starts {
    is webservice('restart'), 0, "$_[0]: started" or diag $err;
    ok eventually(sub { !gone() }, 20), "$_[0]: it serves";
}

my ($job) = ($grid->as('tools.alpha', 'qstat'))[1] =~ /^\s*(\d+) .*generic/m;
takes_route('qdel', sub { is +($grid->as('tools.alpha', 'qdel', $job))[0], 0, 'qdel' });
starts('server killed');
takes_route('server killed', sub { kill 'KILL', job_pid(qr/^python3 -m http\.server/) });
starts('runner killed');
takes_route('runner killed', sub { kill 'KILL', job_pid(qr/webservice-runner/) });

# --- a job that ends at once
sub job_is_gone { return ($grid->as('tools.alpha', 'qstat'))[1] !~ /generic/ }
ok eventually(\&job_is_gone, 30), 'the killed job has left the grid';
$manifest = DynProxy::slurp("$home/service.manifest");
is webservice(qw(generic start -- sh -c), "'echo what it said; exit 3'"), 1, 'a job that ends at once';
like $err, qr/it ended at once; the end of its log:\n(?:    .*\n)*    .*ended with status \d+\n/, 'is shown with its log';
is DynProxy::slurp("$home/service.manifest"), $manifest, 'and not remembered';

# --- webservicemonitor: what is missing is started again, three times an hour
sub monitor {
    ($status, $out, $err) = $grid->as(undef, 'env', 'PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', 'webservicemonitor',
        '--once', '--interval', 1, '--homes', "$site/homes", '--state', "$site/restarts", @_);
    return $status;
}
is monitor('--dry-run'), 0, 'monitor --dry-run';
like $err, qr/missing tool=alpha what=job/, 'finds that the job is missing';
ok job_is_gone(), 'and does nothing';
is monitor(), 0, 'monitor --once' or diag $err;
like $err, qr/restarted tool=alpha status=0/, 'starts it again' or diag $err;
ok eventually(sub { !gone() }, 20), 'and it serves';
is monitor(), 0, 'once more';
unlike $err, qr/missing/, 'all is well';
like DynProxy::slurp("$home/service.log"), qr/No running webservice job found/, 'the tool is told in its service.log';

# a crashing one: two more, and then no more, though the monitor is a new process each time
OwnNetwork::append("$site/restarts", join '', map { time . " alpha\n" } 1, 2);
$grid->as('tools.alpha', 'qdel', 'generic-alpha');
ok eventually(\&job_is_gone, 30), 'it is gone again';
eventually(sub { monitor(); $err =~ /throttled/ });
like $err, qr/throttled tool=alpha restarts=3/, 'a tool that was started three times in the hour waits';
ok job_is_gone(), 'and is not started';

# what cannot be read changes nothing
unlink "$site/restarts";
is monitor('--list', 'http://10.98.0.1:1/list'), 1, 'no list';
like $err, qr/list-unreadable/, 'is said';
OwnNetwork::append("$site/broken", "#!/bin/sh\necho '<job_info><broken'\n");
chmod 0755, "$site/broken";
OwnNetwork::run('cp', "$site/broken", "$site/bin/qstat");
is monitor(), 1, 'broken qstat';
like $err, qr/qstat-unreadable/, 'is said';
unlink "$site/bin/qstat";
OwnNetwork::run('cp', "$home/service.manifest", "$site/manifest");
unlink "$home/service.manifest";
symlink "$site/manifest", "$home/service.manifest";
is monitor(), 0, 'a manifest that is a link';
like $err, qr/manifest-ignored tool=alpha reason="service.manifest: it is a symbolic link/, 'is ignored';
unlink "$home/service.manifest";
OwnNetwork::run('cp', "$site/manifest", "$home/service.manifest");
is monitor(), 0, "somebody else's manifest";
like $err, qr/manifest-ignored tool=alpha .*it belongs to user 0, not to 52001/, 'is ignored';
chown 52001, 52001, "$home/service.manifest";
ok job_is_gone(), 'none of these started anything';

is webservice('stop'), 0, 'webservice stop';
like $out, qr/is not running/, 'says that it did not run';
unlike DynProxy::slurp("$home/service.manifest"), qr/^(web|backend)/m, 'and forgets it';

# --- each type serves a page
write_file('public_html/index.html', "from lighttpd\n");
write_file('public_html/index2.php', "<?php echo 'from ', 'PHP';");
write_file('www/js/package.json',    '{ "scripts": { "start": "node server.js" } }');
write_file('www/js/server.js',
    q{require('http').createServer((q, r) => r.end('from node')).listen(process.env.PORT)});
write_file('www/python/src/app.py', <<'PYTHON');
def app(environ, start_response):
    start_response('200 OK', [('Content-Type', 'text/plain')])
    return [b'from python ' + environ['PATH_INFO'].encode()]
PYTHON
write_file('uwsgi.ini', "[uwsgi]\nplugin = python3\nchdir = $home/www/python/src\nwsgi-file = app.py\ncallable = app\n");
for (['lighttpd-plain', '/', "from lighttpd\n"], ['lighttpd', '/index2.php', 'from PHP'], ['nodejs', '/', 'from node'],
    ['uwsgi-python', '/x', 'from python /x'], ['uwsgi-plain', '/y', 'from python /y']) {
    my ($type, $path, $body) = @$_;
    is webservice($type, 'start'), 0, "$type: start" or diag $err;
    ok eventually(sub { $proxy->get('alpha', $path)->body eq $body }, 20), "$type: its page"
        or diag $proxy->get('alpha', $path)->body, DynProxy::slurp("$home/error.log");
    is webservice('stop'), 0, "$type: stop" or diag $err;
    ok gone(), "$type: gone";
}

# --- what is wrong is said, with what to do
sub wrong {
    my ($what, $want, @words) = @_;
    isnt webservice(@words), 0, "$what: refused";
    like $err, $want, "$what: says why";
}
wrong('no such type',    qr/no type "cobol" on the grid: choose one of generic, lighttpd/, 'cobol', 'start');
wrong('no command',      qr/generic needs the command/,                           'generic', 'start');
wrong('tomcat',          qr/deprecated.*no \/usr\/bin\/deprecated-tomcat-starter/s, 'tomcat', 'start');
wrong('nothing to do',   qr/say what to do/);
wrong('no such backend', qr/no backend "cloud": choose/, '--backend=cloud', 'start');
unlink "$home/www/js/package.json";
wrong('no package.json', qr{no ~/www/js/package.json: put your Node.js}, 'nodejs', 'start');
write_file('www/js/package.json', '{}');
wrong('no start script', qr/has no start script: add "scripts"/, 'nodejs', 'start');
write_file('service.manifest', "web: [\n");
wrong('a broken manifest', qr/service\.manifest: line 2: /, 'start');
write_file('service.manifest', 'x' x 70000);
wrong('a huge manifest', qr/more than 65536 bytes/, 'start');
unlink "$home/service.manifest";
write_file('service.manifest~', '');
write_file('service.template',  "web: generic\nweb::extra_args: [python3, -m, http.server]\n");
wrong('a writer that never ended', qr/another webservice is writing.*remove/, 'start');
unlink "$home/service.manifest~";
is webservice('stop'), 0, 'and is stopped again' or diag $err;
write_file('www/js/service.template', "web: nodejs\n");
wrong('two templates', qr/two templates: remove/, 'start');
unlink "$home/www/js/service.template";
is webservice('start'), 0, 'one template' or diag $err;
ok eventually(sub { !gone() }, 20), 'gives type and arguments';
webservice('stop');
($status, $out, $err) = $grid->as('visitor', 'webservice', 'status');
is $status, 1, 'who is no tool';
like $err, qr/visitor is no tool account: become one/, 'is told so';

undef $grid;
done_testing;
