# The configurations that dynproxy.conf(5) shows are good ones, and the one that
# needs no privileges serves without any.
use FindBin;
use lib "$FindBin::Bin/lib";
use OwnNetwork;    # their ports are fixed
use DynProxy;
use File::Temp;

my ($examples) = DynProxy::slurp("$DynProxy::ROOT/man/dynproxy.conf.5") =~ /^\.Sh EXAMPLES\n(.*?)^\.Sh /ms;
my @examples = $examples =~ /^\.Bd -literal.*?\n(.*?)^\.Ed/mgs;
is scalar(@examples), 2, 'there are two';

# Where an ordinary user's home is, and a program that he may run.
my $home = File::Temp->newdir;
mkdir "$home/proxy";
run_command('cp', "$DynProxy::BUILD/dynproxyd", "$home/dynproxyd");
my @files = map { "$home/proxy/$_.conf" } 0 .. $#examples;
for my $i (0 .. $#examples) {
    open my $file, '>', $files[$i] or die $!;
    print $file $examples[$i] =~ s{/home/me/}{$home/}gr;
    close $file;
    is +(run_command("$home/dynproxyd", '-t', '-c', $files[$i]))[0], 0, "example $i can be read";
}

run_command(qw(chown -R 65534:65534), $home);
my $pid = fork // die $!;
if (!$pid) {
    open STDERR, '>', "$home/log";
    $ENV{JOURNAL_STREAM} = '0:0';    # lines begin with their priority
    exec qw(setpriv --reuid=65534 --regid=65534 --clear-groups --), "$home/dynproxyd", '-F', '-c', $files[1]
        or POSIX::_exit(127);
}
my $ended;
sub has_ended { $ended ||= waitpid($pid, POSIX::WNOHANG) == $pid }
sub answer { (run_command('curl', '-s', 'http://127.0.0.1:8080/.well-known/healthz'))[1] }
ok eventually(sub { has_ended() || answer() =~ /^proxy ok!/ }), 'it begins, or ends';
ok !has_ended(), 'it serves' or diag DynProxy::slurp("$home/log");
kill 'TERM', $pid if !has_ended();
ok eventually(\&has_ended), 'and ends when told to';
is $?, 0, 'well';
unlike DynProxy::slurp("$home/log"), qr/^<[0-3]>|Sanitizer|runtime error/m, 'nothing failed';
done_testing;
