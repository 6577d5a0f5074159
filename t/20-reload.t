# HUP and `dynproxyctl reload`: in place, by other workers, by another
# registrar, or refused with file:line and nothing changed (3-processes.md).
use FindBin;
use lib "$FindBin::Bin/lib";
use Caught;
use Certificates;
use DynProxy;
use File::Copy qw(copy);
use File::Temp;
use IO::Select;

$SIG{PIPE} = 'IGNORE';

my $proxy = DynProxy->new(
    workers => 2,
    tools   => ['alpha'],
    conf    => { response_headers => '{ "set X-Round: 0" }', keepalive_timeout => '5m' },
    expect  => qr/reload-refused|dynproxy.conf:|fatal|workers-kept|child-died/,
);
my $backend = $proxy->backend(text => 'hello');
is $proxy->register('alpha', '.*', $backend->url), 'ok', 'a tool';

sub round { $proxy->get('alpha', '/')->header('x-round') // 'none' }
sub told { my $all = $proxy->metrics; return map { $all->{"dynproxy_config_last_reload_$_"} } qw(successful success_timestamp_seconds) }
sub workers { join ' ', sort { $a <=> $b } $proxy->worker_pids }

# --- in place
my $workers   = workers();
my $registrar = $proxy->registrar_pid;
is round(), 0, 'the first configuration';
my $began = (told())[1];
cmp_ok $began, '>', $^T - 1, 'the metrics say since when';
$proxy->configure(response_headers => '{ "set X-Round: 1" }');
is round(), 0, 'a file that nobody has read changes nothing';
is $proxy->ctl('reload'), 0, 'reload' or diag $proxy->err;
is round(), 1, "the second one, request $_" for 1 .. 8;
is workers(), $workers, 'by the same workers';
is $proxy->registrar_pid, $registrar, 'and the same registrar';

$proxy->configure(response_headers => '{ "set X-Round: 2" }');
kill 'HUP', $proxy->{pid};
ok eventually(sub { round() eq 2 }), 'HUP does the same';
# one worker has it, and the next reload waits until all of it is over
ok eventually(sub { 2 == (() = $proxy->log =~ /master\]: reloaded /g) }), '  to its end';

# who has begun goes on with what it has begun with
my $kept = $proxy->connect;
like $proxy->ask($kept), qr/^HTTP\S+ 200 /, 'a connection is kept alive';
for my $round (3 .. 6) {
    $proxy->configure(response_headers => qq({ "set X-Round: $round" }));
    is $proxy->ctl('reload'), 0, "reload $round";
    like $proxy->ask($kept), qr/X-Round: $round\r\n/, 'a connection from before has the new one, too';
}

# registrar's settings
$proxy->configure(routes_per_tool_max => 1);
is $proxy->ctl('reload'), 0, 'reload of a setting of the registrar';
isnt $proxy->register('alpha', '/more/.*', $backend->url), 'ok', 'which goes by it';
is $proxy->registrar_pid, $registrar, 'and is the same process';

# --- refused
my ($good, $taken) = told();
is $good, 1, 'the metrics say that the last one was taken';
cmp_ok $taken, '>', $began, 'and when';
$proxy->configure(response_headers => '{ "set X-Round: 7" }', body_timeout => '1x');
my @lines = split /^/, DynProxy::slurp($proxy->conf_path);
my ($line) = grep { $lines[$_ - 1] =~ /^body_timeout/ } 1 .. @lines;
is $proxy->ctl('reload'), 1, 'a broken one is refused';
my $path = $proxy->conf_path;
like $proxy->err, qr/^\Q$path\E:$line: body_timeout: /m, 'with file and line';
like $proxy->log, qr/reload-refused \Q$path\E:$line: /, 'in the log, too';
is round(), 6, 'and the old one stays';
$proxy->configure(body_timeout => '10s', table_size => '8m');
is $proxy->ctl('reload'), 1, 'so is what takes a restart';
like $proxy->err, qr/table_size/, 'by its name';
$proxy->configure(table_size => undef, favicon_file => '"/nonexistent/favicon.ico"');
is $proxy->ctl('reload'), 1, 'and a file that is not there';
like $proxy->err, qr{/nonexistent/favicon.ico: No such file}, 'by its name';
$proxy->configure(favicon_file => undef, http => DynProxy::list("192.0.2.1:$proxy->{http_port}"));
is $proxy->ctl('reload'), 1, 'and an address that cannot be had';
like $proxy->err, qr/listener 192.0.2.1:\d+: bind: /, 'by its name';
is round(), 6, 'all is as before';
is_deeply [told()], [0, $taken], 'the metrics say that the last one was refused, and since when there is this one';
is workers(), $workers, 'with the same workers';
$proxy->configure(http => DynProxy::list("127.0.0.1:$proxy->{http_port}"));
is $proxy->ctl('reload'), 0, 'mended';
is round(), 7, 'it is in force';

# --- other workers
$proxy->configure(request_line_max => '4k', response_headers => '{ "set X-Round: 8" }');
is $proxy->ctl('reload'), 0, 'reload that takes other workers' or diag $proxy->err;
isnt workers(), $workers, 'which are there';
like $proxy->log, qr/workers-replaced (?:.*child-drains ){2}.*reloaded /s, 'it has ended when the old ones accept no more';
is round(), 8, "and serve, request $_" for 1 .. 8;
my $last = $proxy->ask($kept);
like $last, qr/^HTTP\S+ 200 .*^Connection: close\r$/ms, 'a connection of the old ones is answered a last time';
like $last, qr/X-Round: 7/, 'by an old one';
$kept->close;
ok eventually(sub { !grep { $_->{state} =~ /draining/ } @{ $proxy->ctl_json('status')->{processes} } }),
    'then they end';

my $second = $proxy->connect;
$proxy->ask($second);
$proxy->configure(request_line_max => '8k');
is $proxy->ctl('reload'), 0, 'another generation';
$proxy->configure(request_line_max => '4k');
is $proxy->ctl('reload'), 75, 'a third is refused while the first drains';
like $proxy->err, qr/still drain/, 'and says why';
$proxy->configure(request_line_max => '8k', response_headers => '{ "set X-Round: 9" }');
is $proxy->ctl('reload'), 0, 'but one in place is not';
is round(), 9, 'and is in force';
$second->close;
$proxy->configure(request_line_max => '4k');
ok eventually(sub { $proxy->ctl('reload') == 0 }), 'after that it is not';

# --- the same name, another file
my ($ca, $other) = map { Certificates->new("$proxy->{dir}/$_") } qw(ca other);
$proxy->configure(backend_ca => qq("$proxy->{dir}/ca.pem"));
for my $new ($ca, $other) {
    $proxy->settled;
    $workers = workers();
    copy($new->file, "$proxy->{dir}/ca.pem") or die $!;
    is $proxy->ctl('reload'), 0, 'another CA' or diag $proxy->err;
    $proxy->settled;
    isnt workers(), $workers, 'takes other workers';
}
$workers = workers();
is $proxy->ctl('reload'), 0, 'the same CA';
is workers(), $workers, 'does not';

# --- a worker that never serves
my $refused = 0;
for (1 .. 20) {
    $proxy->settled;
    $proxy->configure(request_line_max => $proxy->{conf}{request_line_max} eq '4k' ? '8k' : '4k');
    my $caught = Caught->new($proxy, 'worker', 'reload');
    next if !$caught->pid;
    kill 'KILL', $caught->pid;
    my ($exit, $said) = $caught->finish;
    next if $exit == 0;    # it has served, and died then
    $refused++;
    is $exit, 1, 'a reload is refused whose workers die';
    like $said, qr/a new worker was not ready in time/, 'and says so';
    is round(), 9, "the old ones serve, request $_" for 1 .. 8;
    ok $proxy->settled, 'the new ones end' or diag explain $proxy->ctl_json('status')->{processes};
    is $proxy->ctl('reload'), 0, 'another try' or diag $proxy->err;
    last;
}
is $refused, 1, 'one was caught';
$proxy->settled;

# --- listeners, number of workers
my $port = free_port();
$proxy->configure(http => DynProxy::list(map { "127.0.0.1:$_" } $proxy->{http_port}, $port), workers => 3);
ok eventually(sub { $proxy->ctl('reload') == 0 }), 'one more listener, one more worker' or diag $proxy->err;
$proxy->settled;    # or some that accept no more are still to end
is scalar($proxy->worker_pids), 3, 'three workers';
ok $proxy->connect($port), 'which listen there';
$proxy->configure(http => DynProxy::list("127.0.0.1:$proxy->{http_port}"), workers => 1);
ok eventually(sub { $proxy->ctl('reload') == 0 }), 'and back' or diag $proxy->err;
is scalar(grep { $_->{state} =~ /^worker \d+ ready/ } @{ $proxy->ctl_json('status')->{processes} }), 1,
    'one worker';
ok eventually(sub { !$proxy->connect($port) }), 'nobody listens there';
is round(), 9, "it has the sockets of all three, request $_" for 1 .. 12;

# --- another registrar
$proxy->{admin_port} = free_port();
is $proxy->ctl('reload'), 0, 'nothing new' or diag $proxy->err;
is $proxy->registrar_pid, $registrar, 'is nothing';
$proxy->configure(admin => DynProxy::list("127.0.0.1:$proxy->{admin_port}"));
is $proxy->ctl('reload'), 0, 'another place for /list' or diag $proxy->err;
isnt $proxy->registrar_pid, $registrar, 'by another registrar';
is $proxy->admin('/list')->status, 200, 'which answers there';
is round(), 9, 'and knows its routes';

# --- WINCH
kill 'WINCH', $proxy->{pid};
ok eventually(sub { !$proxy->worker_pids }), 'WINCH: no workers';
ok $proxy->registrar_pid, 'but a registrar';
my $waits = $proxy->connect;
$waits->printflush("GET / HTTP/1.1\r\nHost: alpha.example.test\r\nConnection: close\r\n\r\n");
kill 'HUP', $proxy->{pid};
my $waited = DynProxy::Response->new(DynProxy::converse($waits, ''));
is $waited->status, 200, 'HUP: who waited is served';

# --- room for more, for those who wait already
my $small = DynProxy->new(conf => { connections_max => 2, keepalive_timeout => '1m' });
my ($serves) = $small->worker_pids;
my @there = map { $small->connect } 1 .. 2;
ok eventually(sub { $small->connections_of($serves) == 2 }), 'a worker has all clients that it may have';
my $next = $small->connect;
$next->printflush("GET / HTTP/1.1\r\nHost: nobody.example.test\r\nConnection: close\r\n\r\n");
$small->configure(connections_max => 8);
is $small->ctl('reload'), 0, 'it may have more' or diag $small->err;
ok(IO::Select->new($next)->can_read(20), 'who waits is served, though nobody leaves');
is(DynProxy::Response->new(DynProxy::converse($next, ''))->status, 404, 'as others are');
close $_ for @there;
$small->stop;

# --- a process that is not ready in time
my $logs  = File::Temp->newdir;
chmod 0777, $logs;
my $other_proxy = DynProxy->new(conf => { access_log => qq("$logs/access.log") }, expect => qr/reload-unanswered|child-/);
my $late = 0;
for my $size (map { "${_}k" } 9 .. 28) {
    $other_proxy->settled;
    $other_proxy->{conf}{request_line_max} = $size;
    $other_proxy->write_conf;
    my $caught = Caught->new($other_proxy, 'logger', 'reload');
    next if !$caught->pid;
    my ($exit, $said) = $caught->finish;
    next if $exit != 5;    # it was ready, and stopped then
    $late++;
    like $said, qr/: in force, but not ready in time: [\w ,]*logger/, 'a logger that is not ready is named';
    is $other_proxy->metrics->{dynproxy_config_last_reload_successful}, 1, 'the settings were taken';
    like $other_proxy->log, qr/reload-unanswered logger .*is not ready in time\n.*reloaded file=/s, 'as the log says';
    last;
}
is $late, 1, 'one was caught: in force in part';

done_testing;
