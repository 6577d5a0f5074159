# dynproxyctl tool says what happened to a tool, also when it has no route any
# more, so that its maintainers need not read a log (4-operations.md 4.2).
use FindBin;
use lib "$FindBin::Bin/lib";
use DynProxy;
use File::Temp;
use JSON::PP;

my $proxy = DynProxy->new(tools => [qw(alpha alpha-two beta)], conf => {
    log_priority => 'warning', local_tools => '{ "61000:alpha", "61001:alpha-two", "61002:beta" }' });
my ($backend, $other) = map { $proxy->backend } 1, 2;

# The events of a tool, the oldest first: "registered unregistered".
sub events {
    my ($tool) = @_;
    return join ' ', map { $_->{event} =~ s/^route-//r } reverse @{ ($proxy->ctl_json('tool', $tool) // {})->{events} // [] };
}

is $proxy->ctl('tool', 'alpha'), 1, 'a tool of which nobody has heard';
like $proxy->register('alpha', '.*', 'http://192.0.2.1:80'), qr/^fail/, 'it may not have that';
is $proxy->ctl('tool', 'alpha'), 0, 'now there is something to tell';
like $proxy->out, qr/^alpha: gone\n\nlast events .*:\n  20\S+Z  registration-refused  host=\S+ .*said="fail/, 'why it was refused';
unlike $proxy->out, qr/requests\/s|routes:/, 'and nothing else';

is $proxy->register('alpha', '.*', $backend->url), 'ok', 'a route';
is $proxy->register('alpha-two', '.*', $other->url), 'ok', 'of one with a similar name, too';
is events('alpha'), 'registration-refused registered', 'is one of its own';
is events('alpha-two'), 'registered', 'and of the other';
is $proxy->ctl('tool', 'alpha'), 0, 'for people';
like $proxy->out, qr/^routes:\n.*^last events .*:\n  \S+  route-registered +route=\.\* destination=\S+ was=- by=tool$/ms, 'the newest first, behind the rest';

is $proxy->ctl($_, $backend->addr), 0, $_ for 'drain', 'undrain';
is_deeply [map { "$_->{event} $_->{text}" } @{ $proxy->ctl_json('tool', 'alpha')->{events} }[1, 0]],
    [map { "route-$_ route=.* destination=@{[$backend->url]} by=operator" } 'drained', 'undrained'], 'who stops its requests, and lets them go on';

my $lease = $proxy->lease('alpha', '/leased', $other->url);
close $lease;
ok eventually(sub { events('alpha') =~ / registered unregistered$/ }), 'a lease that nobody holds' or diag events('alpha');
is $proxy->ctl('del', 'alpha'), 0, 'an operator removes it';
is $proxy->ctl('tool', 'alpha'), 0, 'then it is gone';
like $proxy->out, qr/^alpha: gone\n\nlast events .*:\n  \S+  route-unregistered +route=\.\* was=\S+ by=operator$/m, 'and it is told by whom';

# to its own user, as it happens, and nothing else
my $seen  = File::Temp->new;
my $watch = fork // die "fork: $!";
if (!$watch) {
    open STDOUT, '>', "$seen";
    exec 'setpriv', '--reuid', $proxy->{uid}{alpha}, '--regid', $proxy->{uid}{alpha}, '--clear-groups',
        "$DynProxy::BUILD/dynproxyctl", '-s', $proxy->socket_path('control'), 'watch' or POSIX::_exit(127);
}
ok eventually(sub {
    $proxy->register($_, '/watched', $backend->url) for qw(beta alpha-two alpha);
    DynProxy::slurp("$seen") =~ /\n.*\n/;
}), 'watch, by the user of a tool';
is +(grep { !/ route-registered +name=alpha route=\/watched / } split /\n/, DynProxy::slurp("$seen"))[0], undef, 'tells of this one alone';
kill 'TERM', $watch;
waitpid $watch, 0;

# of its own user, and bounded
sub asks { my ($tool, $of) = @_; return (run_command('setpriv', '--reuid', $proxy->{uid}{$tool}, '--regid', $proxy->{uid}{$tool}, '--clear-groups', "$DynProxy::BUILD/dynproxyctl", '-c', $proxy->conf_path, 'tool', $of))[0] }
is asks('alpha', 'alpha'), 0, 'its user may ask';
is asks('beta', 'alpha'), 4, 'another one may not';
$proxy->register('beta', '/' . $_, $backend->url) for 1 .. 30;
is scalar(@{ $proxy->ctl_json('tool', 'beta')->{events} }), 20, 'the last 20';
is $proxy->ctl_json('tool', 'beta')->{events}[0]{text} =~ s/ .*//r, 'route=/30', 'of many';
done_testing;
