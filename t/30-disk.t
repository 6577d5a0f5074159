# A disk that is full, and a process that stands still, cost what depends on
# them and nothing else: requests are served, nobody dies, and it goes on when
# there is room again (7-security.md 7.2, operator mistakes).
use FindBin;
use lib "$FindBin::Bin/lib";
use OwnNetwork;
use DynProxy;
use File::Temp;

my %disk = map { $_ => File::Temp->newdir } qw(state log);
OwnNetwork::run(qw(mount -t tmpfs -o), 'size=2m,mode=755', 'tmpfs', "$disk{$_}") for keys %disk;
chown $DynProxy::USER{logger}, -1, "$disk{log}";
my $proxy = DynProxy->new(tools => [qw(alpha beta)], expect => qr/access-log-|store-/, conf => {
    access_log => qq("$disk{log}/access.log"), access_log_space_min => '0b', state_directory => qq("$disk{state}"),
    default_backend => DynProxy::list('http://localhost:1') });
my $backend = $proxy->backend;
is $proxy->register('alpha', '.*', $backend->url), 'ok', 'a tool';
my %pids = map { $_ => ($proxy->pids($_))[0] } qw(worker registrar logger lookup);

sub fill {
    my ($disk) = @_;
    open my $fh, '>', "$disk{$disk}/filler" or die $!;
    1 while defined syswrite $fh, "\0" x 4096;
}
sub served { return $proxy->get('alpha', '/')->status == 200 }
sub writes {
    my $before = -s "$disk{log}/access.log" // 0;
    served();
    return eventually(sub { -s "$disk{log}/access.log" > $before }, 2);
}

# --- the log's disk
ok eventually(\&writes), 'the access log is written';
fill('log');
served() for 1 .. 200;
ok eventually(sub { served(); $proxy->log =~ /access-log-stopped/ }), 'no room for it: it is told';
is scalar(() = $proxy->log =~ /access-log-stopped/g), 1, 'once';
ok served(), 'and requests are served';
unlink "$disk{log}/filler" or die $!;
ok eventually(\&writes), 'there is room again: it goes on';
ok eventually(sub { DynProxy::slurp("$disk{log}/access.log") =~ /^alpha.*\n\z/m }), 'with whole lines';

# --- the store's
fill('state');
my $refused;
for my $n (1 .. 200) {
    $refused = $proxy->register('beta', "/$n-" . 'x' x 200, $backend->url);
    last if $refused ne 'ok';
}
like $refused, qr/^fail/, 'what cannot be stored is not acknowledged';
ok served(), 'requests are served';
unlink "$disk{state}/filler" or die $!;
ok eventually(sub { $proxy->register('beta', '/again', $backend->url) eq 'ok' }), 'there is room again: it is';

# --- a process that stands still
for my $role (qw(logger registrar lookup)) {
    kill 'STOP', $pids{$role};
    is scalar(grep { served() } 1 .. 5), 5, "the $role stands still: requests are served";
    kill 'CONT', $pids{$role};
    ok eventually(sub { $proxy->register('beta', '/again', $backend->url) eq 'ok' }), 'and it goes on';
}
is join(' ', map { ($proxy->pids($_))[0] } sort keys %pids), join(' ', @pids{ sort keys %pids }), 'nobody was replaced';
$proxy->stop;
OwnNetwork::run('umount', "$disk{$_}") for keys %disk;
done_testing;
