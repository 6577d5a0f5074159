# The table in dynproxy-cluster(7) is what the simulator says of what was
# measured (make simulate); its first rows are made again here.
use v5.26;
use warnings;
use Test::More;

my $ROWS = 2;

my $page = do { local (@ARGV, $/) = 'man/dynproxy-cluster.7'; <> };
my ($table) = $page =~ /^\.Sh SCALE.*?^\.Bd -literal\n(.*?)^\.Ed/ms;
ok $table, 'there is a table';
my @told = split /\n/, $table;
is scalar(@told), 9, 'of eight rows';
my @simulated = split /\n/, qx(bench/simulate bench/simulate.constants 1 $ROWS);
is $told[$_], $simulated[$_], "row $_" for 0 .. $ROWS;
my @constants = do { local @ARGV = 'bench/simulate.constants'; <> };
is scalar(grep { /^\w+=\d+\.\d+$/ } @constants), 11, 'what was measured is there';
done_testing;
