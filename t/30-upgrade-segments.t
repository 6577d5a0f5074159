# An upgrade to a program that knows other shared memory: what both know goes
# on, what is new is made, what is known no more is closed; and who takes over
# again has all that it had.
use FindBin;
use lib "$FindBin::Bin/lib";
use DynProxy;
use Installed;
use Notified;

my $notified = Notified->new;
$ENV{NOTIFY_SOCKET} = $notified->path;

my %program   = map { $_ => "$DynProxy::BUILD/t/dynproxyd-$_" } qw(segments hangs table);
my $installed = Installed->new($program{segments});
my $proxy     = DynProxy->new(tools => ['alpha'], program => $installed->path,
    expect => qr/upgrade-(?:failed|taken-back)|workers-kept/);
my $backend = $proxy->backend(text => 'hello');
is $proxy->register('alpha', '.*', $backend->url), 'ok', 'a tool';

# Which of a name the master has: their inodes, once for each descriptor.
sub memory {
    my ($name) = @_;
    my @of = grep { (readlink($_) // '') eq "/memfd:dynproxy-$name (deleted)" } glob "/proc/$proxy->{pid}/fd/*";
    return map { (stat)[1] } @of;
}

# Each to write and to read.
sub is_twice {
    my ($what, @inodes) = @_;
    ok @inodes == 2 && $inodes[0] == $inodes[1], $what or diag "@inodes";
}

sub upgrade {
    my ($to) = @_;
    $installed->put($to);
    $proxy->settled;
    return $proxy->ctl('upgrade');
}

sub serves {
    is $proxy->get('alpha', '/')->body, 'hello', 'served';
    is $proxy->register('alpha', '/more', $backend->url), 'ok', 'and registered';
    is $proxy->ctl('top', 'unknown'), 0, 'and asked for names that nobody has' or diag $proxy->err;
}

my ($counters, $unknown) = map { (memory($_))[0] } qw(counters unknown);

# --- taken back
is upgrade($program{hangs}), 1, 'a program whose workers are not ready in time';
is_twice 'who takes over again has what the other did not know', memory('other');
is_twice 'and what both know', memory('counters');
serves();

# --- done
is upgrade("$DynProxy::BUILD/dynproxyd"), 0, 'a program that knows one more, and one less' or diag $proxy->err;
is_twice 'the new one is made', memory('unknown');
isnt((memory('unknown'))[0], $unknown, 'it is none of before');
is_twice 'what both know is handed on', memory('counters');
is((memory('counters'))[0], $counters, 'as it was');
is scalar(memory('other')), 0, 'what it does not know is closed';
ok eventually(sub { $notified->said =~ /^FDSTOREREMOVE=1\nFDNAME=dynproxy-other$/m }), 'systemd need not keep it';
serves();

# --- another layout
my ($table) = memory('table');
is upgrade($program{table}), 0, 'a table of another layout' or diag $proxy->err;
is_twice 'is the only one', memory('table');
isnt((memory('table'))[0], $table, 'and none of before');
serves();
done_testing;
