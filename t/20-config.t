# A configuration that cannot be right is refused before anything starts, and
# the message says where and what to write instead (4-operations.md 4.1).
use FindBin;
use lib "$FindBin::Bin/lib";
use DynProxy;
use Certificates;
use File::Temp;

my $good = "http = { \"127.0.0.1:8080\" }\nweb_domain = { \"$DynProxy::DOMAIN\" }\n";

# what, text, line of the fault, what the message says
my @faults = (
    ['an unknown word',          "${good}worker = 2\n",                      3, qr/workers/],
    ['an unfinished list',       "${good}backend_networks = { \"10.0.0.0/8\"\nworkers = 2\n", undef, qr/./],
    ['a number out of bounds',   "${good}workers = 1000000\n",               3, qr/256/],
    ['a duration without sense', "${good}drain_timeout = soon\n",            3, qr/30s|duration/i],
    ['a network with host bits', "${good}backend_networks = { \"10.0.0.1/8\" }\n", 3, qr/10\.0\.0\.1/],
    ['an address without port',  "http = { \"127.0.0.1\" }\n",               1, qr/127\.0\.0\.1/],
    ['a policy nobody knows',    "${good}store_down = maybe\n",              3, qr/accept.*refuse/],
);

sub file_with {
    my $file = File::Temp->new(SUFFIX => '.conf');
    print $file @_;
    close $file;
    return $file;
}

for my $fault (@faults) {
    my ($what, $text, $line, $says) = @$fault;
    my $file = file_with($text);
    my ($status, $out, $err) = run_command("$DynProxy::BUILD/dynproxyd", '-t', '-c', "$file");
    isnt $status, 0, "$what is refused";
    my $where = defined $line ? ":$line:" : ':\d+:';
    like $err, qr/^.*\Q$file\E$where/m, 'with file and line';
    like $err, $says, 'and what to write';
}

my $file = file_with($good);
my ($status, $out, $err) = run_command("$DynProxy::BUILD/dynproxyd", '-t', '-c', "$file");
is $status, 0, 'a good one is accepted' or diag $err;

($status, $out) = run_command("$DynProxy::BUILD/dynproxyd", '-T', '-c', "$file");
is $status, 0, '-T shows the settings';
like $out, qr/127\.0\.0\.1:8080/, 'those of the file';
like $out, qr/keepalive_timeout/, 'and the presets';
my $again = file_with($out);
is +(run_command("$DynProxy::BUILD/dynproxyd", '-t', '-c', "$again"))[0], 0, 'what it shows can be read again';

($status, $out, $err) = run_command("$DynProxy::BUILD/dynproxyd", '-t', '-c', '/nonexistent/dynproxy.conf');
isnt $status, 0, 'a file that is not there';
like $err, qr{/nonexistent/dynproxy\.conf}, 'is named';

# --- certificates
my $dir = File::Temp->newdir;
my $ca = Certificates->new("$dir/tls");
$ca->pair('good', names => ["*.$DynProxy::DOMAIN"]);
my $tls = file_with($good, "https = { \"127.0.0.1:8443\" }\ntls_directory = \"$ca->{to}\"\n");
sub look { run_command("$DynProxy::BUILD/dynproxyd", '-t', '-c', "$tls") }
is +(look())[0], 0, 'certificates that can be used';
$ca->pair('other', names => ['other.test']);
$ca->put('mixed', $ca->certificate('other') . $ca->certificate('middle') . $ca->key('good'));
($status, undef, $err) = look();
is $status, 1, 'the key of another';
like $err, qr{\Q$ca->{to}/mixed.pem\E reason=".*key}, 'with file and fault';
unlink glob "$ca->{to}/*.pem";
($status, undef, $err) = look();
is $status, 1, 'none at all';
like $err, qr{no usable \*\.pem in \Q$ca->{to}\E}, 'and where it should be';
done_testing;
