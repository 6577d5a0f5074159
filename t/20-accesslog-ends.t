# No line of the access log is lost, and none is twice: where the logger dies
# between writing it and saying so, and where all ends at once.
use FindBin;
use lib "$FindBin::Bin/lib";
use DynProxy;
use File::Temp;

my $dir  = File::Temp->newdir('dynproxy-log.XXXXXX', TMPDIR => 1);
my $file = "$dir/access.log";
chown $DynProxy::USER{logger}, -1, $dir;

# Requests one after the other on a connection: when the last one is answered,
# all others are in the ring.
sub ask {
    my ($proxy, @names) = @_;
    my $client = $proxy->connect;
    for my $name (@names) {
        $client->syswrite("GET /.well-known/healthz?$name HTTP/1.1\r\nHost: x\r\n\r\n");
        my $got = '';
        while ($got !~ /proxy ok!/) { $client->sysread($got, 65536, length $got) or die "no answer\n" }
    }
}

sub names_in { join ' ', DynProxy::slurp($_[0]) =~ /healthz\?(\S+)/g }

# --- it dies with the first lines of a file
my $proxy = DynProxy->new(program => "$DynProxy::BUILD/t/dynproxyd-logger", conf => { access_log => qq("$file") },
    expect => qr/child-ended logger|child-crash-loop/);
sub writes { my ($name) = @_; ask($proxy, $name); return eventually(sub { names_in($file) =~ /\b$name\b/ }) }
sub deaths { return scalar(() = $proxy->log =~ /child-ended logger pid=\d+ status=9/g) }
sub begin_file {
    ok writes('the-end'), 'a logger is there';
    rename $file, "$file.1" or die $!;
    is $proxy->ctl('reopen'), 0, 'and begins a file';
}
ok eventually(sub { deaths() == 1 }), 'it dies with the first one';
begin_file();
ask($proxy, 1 .. 20);
ok eventually(sub { deaths() == 2 }), 'and with the next';
ok writes('more'), 'another one writes on';
is names_in($file), join(' ', 1 .. 20, 'more'), 'each line is written once';

# --- and another file, as long as that, comes in its place
begin_file();
my ($logger) = $proxy->pids('logger');
kill 'STOP', $proxy->{pid};
ask($proxy, 'in-the-old-one');
ok eventually(sub { DynProxy::slurp("/proc/$logger/stat") =~ /\) Z/ }), 'once more';
my $length = -s $file;
rename $file, "$file.2" or die $!;
open my $other, '>', $file or die $!;
print $other 'x' x ($length - 1), "\n";
close $other or die $!;
chown $DynProxy::USER{logger}, -1, $file;
kill 'CONT', $proxy->{pid};
ok eventually(sub { names_in($file) =~ /in-the-old-one/ }), 'what is in the old one only goes to the new one';
$proxy->stop;

# --- TERM ends workers at once; what they have logged is written after that.
# Where the machine is so busy that the logger is ended by force: once more.
my $told;
for my $try (1 .. 5) {
    $proxy = DynProxy->new(conf => { access_log => qq("$dir/fast-$try.log") });
    ($logger) = $proxy->pids('logger');
    kill 'STOP', $logger;
    ask($proxy, 'fast', 'the-next-one');
    kill 'TERM', $proxy->{pid};
    eventually(sub { $proxy->log =~ /master\]: ending / });
    kill 'CONT', $logger;
    $proxy->stop;
    $told = names_in("$dir/fast-$try.log");
    last if $proxy->log !~ /child-killed logger/;
}
like $told, qr/\bfast\b/, 'TERM: the last lines of the workers are written';
done_testing;
