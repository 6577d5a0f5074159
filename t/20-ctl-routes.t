# What operators do with routes: drain, scrub, export and import, and no
# registration for a while (4-operations.md 4.2).
use FindBin;
use lib "$FindBin::Bin/lib";
use DynProxy;
use JSON::PP;

my $proxy = DynProxy->new(tools => [qw(alpha beta)]);
my $backend = $proxy->backend(count => 2);
my @name = map { 'backend ' . $backend->port($_) . "\n" } 0, 1;

is $proxy->register('alpha', '.*', $backend->url, 'registerCanonical'), 'ok', 'a tool';
is $proxy->register('alpha', '/api/.*', $backend->url(1)), 'ok', 'with two routes';
my @lease = map { $proxy->lease('beta', '.*', $backend->url($_)) } 0, 1;

is $proxy->ctl('drain', $backend->addr(1)), 0, 'drain';
is $proxy->get('alpha', '/api/')->reason, 'tool-stopped', 'a route without another backend is stopped';
is $proxy->get('alpha', '/')->body, $name[0], 'the other route is not';
is $proxy->get('beta', '/')->body, $name[0], "of two backends the other serves ($_)" for 1 .. 10;
my %state = map { ("$_->{tool} $_->{destination}" => $_->{state}) } @{ $proxy->ctl_json('list') };
is $state{ 'beta ' . $backend->url(1) }, 'drained', 'list says so';
is $proxy->ctl('--json', 'list'), 0, 'list --json';
my ($first, @rest) = split /\n/, $proxy->out;
is "$first$rest[-1]", '[]', 'is an array';
is_deeply [map { decode_json(s/,$//r)->{tool} } @rest[0 .. $#rest - 1]], [qw(alpha alpha beta beta)], 'with a route on a line, in the order of their names';
is $proxy->ctl('--json', 'list', 'nobody'), 1, 'of a tool that has none: refused';
like $proxy->err, qr/nobody has no route/, 'and why';
is $proxy->out, '', 'and nothing else';
is $proxy->ctl('undrain', $backend->addr(1)), 0, 'undrain';
is $proxy->get('alpha', '/api/')->body, $name[1], 'served again';
is $proxy->ctl('drain', '127.0.0.1:1'), 1, 'no such backend';
is $proxy->ctl('drain', 'beta'), 2, 'nor one without an address';

is $proxy->ctl('stale'), 0, 'stale';
is $proxy->out, '', 'nothing is';
is $proxy->ctl('scrub', '-n', '--unknown'), 0, 'scrub -n';
is $proxy->out, '', 'nothing to remove';
is $proxy->ctl('scrub', '--all'), 2, 'wrong usage';

is $proxy->ctl('export'), 0, 'export';
my $export = "$proxy->{dir}/routes";
open my $fh, '>', $export or die $!;
print $fh $proxy->out;
close $fh;
my %line = map { ("$_->{tool} $_->{pattern}" => $_) } map { decode_json($_) } split /\n/, $proxy->out;
is_deeply [map { decode_json($_)->{tool} } split /\n/, $proxy->out], [qw(alpha alpha beta)], 'in the order of their names';
is_deeply [sort keys %line], ['alpha .*', 'alpha /api/.*', 'beta .*'], 'a line for each route';
is scalar @{ $line{'beta .*'}{destinations} }, 2, 'with all of its backends';
close $_ for @lease;
is $proxy->ctl('del', 'alpha'), 0, 'all is gone';
ok eventually(sub { !@{ $proxy->ctl_json('list') } }), 'the leases, too';
is $proxy->ctl('import', '-n', $export), 0, 'import -n';
is scalar(() = $proxy->out =~ /->/g), 3, 'shows three routes';
is scalar @{ $proxy->ctl_json('list') }, 0, 'and changes nothing';
open $fh, '>>', $export or die $!;
print $fh qq(no JSON\n{"tool":"gamma"}\n{"tool":"Delta","pattern":".*","destinations":["http://10.0.0.1:8000"]}\n);
close $fh;
is $proxy->ctl('import', '-n', $export), 5, 'import -n: bad lines are told';
is scalar(() = $proxy->err =~ /would not be imported/g), 3, 'each of them';
is scalar(() = $proxy->out =~ /->/g), 3, 'and none is shown';
is scalar @{ $proxy->ctl_json('list') }, 0, 'nothing is changed';
is $proxy->ctl('import', $export), 5, 'import: bad lines are told';
is scalar(() = $proxy->err =~ /not imported/g), 3, 'each of them';
is $proxy->ctl('import', '-n', $proxy->{dir}), 2, 'import of what cannot be read';
like $proxy->err, qr/^dynproxyctl: \Q$proxy->{dir}\E: Is a directory$/m, 'is told, too';
is $proxy->get('alpha', '/')->body, $name[0], 'the others are taken';
is $proxy->get('alpha', '/api/')->body, $name[1], '  all of them';
like $proxy->get('beta', '/')->body, qr/^backend/, '  of all tools';
$proxy->ctl('list', 'beta');
is scalar(() = $proxy->out =~ /^beta .* tool /mg), 2, 'as if registered';

is $proxy->ctl('registration', 'off', '--reason', 'moving house'), 0, 'registration off';
is $proxy->register('alpha', '.*', $backend->url), 'fail: registration is off: moving house', 'tools are told why';
is $proxy->unregister('beta', '.*'), 'fail: registration is off: moving house', 'whatever they want';
$proxy->abandon;
$proxy->start;
is $proxy->register('alpha', '.*', $backend->url), 'fail: registration is off: moving house', 'it is kept over a restart';
is $proxy->ctl('registration'), 0, 'registration';
like $proxy->out, qr/^registration is off since 20\S+Z: moving house\n\z/, 'says that it is off, and why';
is $proxy->ctl('registration', 'off'), 0, 'off for no reason';
$proxy->ctl('registration');
like $proxy->out, qr/^registration is off since 20\S+Z\n\z/, 'which is told, too';
is $proxy->register('alpha', '.*', $backend->url), 'fail: registration is off for now: try again later', 'says less';
is $proxy->ctl('registration', 'on'), 0, 'registration on';
$proxy->ctl('registration');
is $proxy->out, "registration is on\n", 'and told';
is $proxy->register('alpha', '.*', $backend->url), 'ok', 'and on it is';
is $proxy->ctl('registration', 'on'), 0, 'twice is as good';
is $proxy->ctl('registration', 'perhaps'), 2, 'wrong usage';

# Events, as they happen.
my $events = File::Temp->new;
my $watch  = fork // die "fork: $!";
if (!$watch) {
    open STDOUT, '>', "$events";
    exec "$DynProxy::BUILD/dynproxyctl", '-c', $proxy->conf_path, '--json', 'watch' or POSIX::_exit(127);
}
ok eventually(sub {
    $proxy->unregister('alpha', '.*');
    $proxy->register('alpha', '.*', $backend->url);
    DynProxy::slurp("$events") =~ /"route-registered".*"route-unregistered"/s;
}), 'watch shows what happens, in its order';
like DynProxy::slurp("$events"), qr/"event":"route-unregistered","text":"name=alpha route=\.\*/, 'in detail';
kill 'TERM', $watch;
waitpid $watch, 0;

done_testing;
